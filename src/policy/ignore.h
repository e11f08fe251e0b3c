/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_IGNORE_H
#define FILEMON_POLICY_IGNORE_H

/*
 * An ignore file (.gitignore, .filemonignore): its rules, and what lstat(2) said
 * of it when it was read, so that a later look tells whether it is still the
 * same.  A file that is not there, or no regular file, has no rules; as git
 * does, a symbolic link is not followed.  A pattern that is wrong matches
 * nothing.  A file that cannot be read is logged and has no rules.
 */

#include <stdbool.h>
#include <sys/stat.h>

struct ignore_file {
	struct globs *globs; /* NULL: no rules */
	char *path;
	bool
	    unsure; /* read within a tick of its change, or not for want of descriptors */
	struct stat st; /* st_mode 0: not there */
};

/* Takes path, which is absolute. */
void ignore_load(struct ignore_file *, char *path);
void ignore_release(struct ignore_file *);
/* Is it still what was read?  Where one cannot look, it is. */
bool ignore_holds(const struct ignore_file *);

#endif
