/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_FD_H
#define FILEMON_BASE_FD_H

/*
 * Descriptors and files: what read(2), write(2) and open(2) leave to their
 * callers.  All return -1 with errno on failure; every descriptor made is
 * close-on-exec.
 */

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

int fd_nonblock(int fd);
/* Closes if not -1 and sets to -1; errno survives. */
void fd_close(int *fd);
/* Writes everything, over short writes and EINTR; blocks. */
int fd_write_all(int fd, const void *, size_t);
/* The whole file, NUL-terminated, at most max bytes (EFBIG); the caller frees. */
char *fd_read_file(const char *path, size_t max, size_t *len);
/* Replaces path atomically (temp file in the same folder, fsync, rename). */
int fd_write_atomic(const char *path, const void *, size_t, mode_t);
/* A nameless file in memory, which nobody can execute; flags as memfd_create(2). */
int fd_memory(const char *name, unsigned flags);

/*
 * As openat(2) and fstatat(2) with AT_SYMLINK_NOFOLLOW, but for paths longer
 * than PATH_MAX too: they are gone through in pieces.  No component in the
 * middle may be a symbolic link when a path has to be cut (ELOOP).
 */
int fd_openat(int dirfd, const char *path, int flags);
int fd_lstatat(int dirfd, const char *path, struct stat *);

#endif
