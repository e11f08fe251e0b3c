/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_GIT_GITREAD_H
#define FILEMON_GIT_GITREAD_H

/*
 * Reading files of a .git directory.  What is there belongs to whoever may write
 * the tree: only a regular file is opened, no symbolic link as the last
 * component is followed, no device touched, and what is read is bounded.
 */

#include <stddef.h>
#include <sys/stat.h>

/* -1 with errno: EINVAL where it is no regular file. */
int gitread_open(const char *path, struct stat *);
/* A small file as text; -1 with errno: EFBIG where it has size bytes or more. */
int gitread_text(const char *path, char *out, size_t size);

#endif
