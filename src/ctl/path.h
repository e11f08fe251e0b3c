/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_PATH_H
#define FILEMON_CTL_PATH_H

/*
 * Paths as they are typed, made absolute.  The last component is never
 * followed: a symbolic link is a path of its own.  The caller frees.
 */

#include "conf/config.h"

/* Without ".", ".." and doubled slashes, by text alone; base is absolute. */
char *path_absolute(const char *base, const char *path);
/*
 * What path stands for in a project: below one of the roots as it is written,
 * seen from cwd; else with the links above it resolved; else, where it is
 * relative, seen from the project.  NULL where it is below none of the roots.
 */
char *path_in_project(const struct strlist *roots, const char *cwd, const char *path);
/* Is path root, or below it? */
bool path_is_below(const char *root, const char *path);

#endif
