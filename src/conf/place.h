/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_PLACE_H
#define FILEMON_CONF_PLACE_H

/* Directories of a project: whose they are, and how paths come from them. */

#include "conf/config.h"

/* path below dir, or path itself where absolute, without a slash at its end.
   The caller frees. */
char *place_join(const char *dir, const char *path);
/*
 * May a directory with state, or with a configuration that says what is run,
 * be trusted?  It must be a directory, no symbolic link, of us or of root, and
 * not writable by everyone.  -1 with a text; ENOENT is no fault: 0.
 */
int place_check(const char *dir, char *error, size_t size);
/* Is a directory there?  -1 with a text that names path. */
int place_is_dir(const char *path, char *error, size_t size);
/*
 * Makes every root absolute, without symbolic links, and checks that it is a
 * directory and none is within another.  No root at all becomes project.
 */
int place_roots(struct strlist *roots, const char *project, char *error, size_t size);

#endif
