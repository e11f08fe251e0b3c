/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_HASH_BENEATH_H
#define FILEMON_HASH_BENEATH_H

/*
 * Opening a regular file below a directory, and nothing else: no component is
 * followed where it is a symbolic link, ".." is refused, and what is no regular
 * file is not opened at all, so that no FIFO gets a reader and no device is
 * touched.
 */

#include <sys/stat.h>

/*
 * For reading, close-on-exec; st is what fstat(2) says of it.  -1 with errno:
 * ENOENT, ENOTDIR or ELOOP where there is no such path, EINVAL where it is not
 * a regular file, else why it cannot be opened.
 */
int beneath_open(const char *root, const char *path, struct stat *st);

#endif
