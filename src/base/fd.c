/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xmalloc.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int
fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags == -1)
		return -1;
	return flags & O_NONBLOCK ? 0 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void
fd_close(int *fd)
{
	int saved = errno;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;
	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written == -1 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (written == -1 && errno != EINTR)
			return -1;
		else if (written > 0) {
			p += written;
			n -= (size_t)written;
		}
	}
	return 0;
}

int
fd_memory(const char *name, unsigned flags)
{
	int fd = memfd_create(name, flags | MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = memfd_create(name, flags | MFD_CLOEXEC);
	return fd;
}

/* To the end of fd, but no more than max + 1 bytes. */
static int
read_up_to(int fd, size_t max, struct buf *b)
{
	enum { CHUNK = 4096 };
	while (b->len <= max) {
		size_t room = max - b->len;
		size_t want = room < CHUNK ? room + 1 : CHUNK;
		buf_reserve(b, want);
		ssize_t n = read(fd, b->p + b->len, want);
		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		b->len += (size_t)n;
		b->p[b->len] = '\0';
	}
	return 0;
}

/* O_NONBLOCK: the open of a FIFO without a writer must not hang. */
char *
fd_read_file(const char *path, size_t max, size_t *len)
{
	struct buf b = BUF_INIT;
	int saved, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	buf_reserve(&b, 0);
	if (read_up_to(fd, max, &b) == -1)
		goto fail;
	if (b.len > max) {
		errno = EFBIG;
		goto fail;
	}
	fd_close(&fd);
	if (len)
		*len = b.len;
	return b.p;
fail:
	saved = errno;
	fd_close(&fd);
	buf_release(&b);
	errno = saved;
	return NULL;
}

/* A rename is only durable once the folder it happened in is. */
static int
sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd == -1 ? -1 : fsync(fd);
	fd_close(&fd);
	free(folder);
	return ret;
}

int
fd_write_atomic(const char *path, const void *data, size_t n, mode_t mode)
{
	char *temp = xasprintf("%s.XXXXXX", path);
	int saved, ret = -1, fd = mkostemp(temp, O_CLOEXEC);
	if (fd == -1)
		goto out;
	if (fchmod(fd, mode) == -1 || fd_write_all(fd, data, n) == -1 ||
	    fsync(fd) == -1 || rename(temp, path) == -1) {
		saved = errno;
		unlink(temp);
		errno = saved;
		goto out;
	}
	ret = sync_folder_of(path);
out:
	saved = errno;
	fd_close(&fd);
	free(temp);
	errno = saved;
	return ret;
}

/* The next directory of a walk; ENOTDIR is what O_DIRECTORY | O_NOFOLLOW says
   to a symbolic link (open(2)), ELOOP what callers expect. */
static int
step_into(int dirfd, const char *piece)
{
	struct stat st;
	int fd = openat(dirfd, piece, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOTDIR) {
		int rc = fstatat(dirfd, piece, &st, AT_SYMLINK_NOFOLLOW);
		errno = rc == 0 && S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	}
	return fd;
}

/* The longest piece of path the kernel takes that ends before a slash, in
   bytes; 0 where there is none: a name is too long. */
static size_t
piece_len(const char *path)
{
	size_t n = PATH_MAX - 1;
	while (n > 0 && path[n] != '/')
		n--;
	return n;
}

/*
 * Goes into the directories of a path that is too long, until what is left is
 * not.  Returns the directory that *path is now relative to, for the caller to
 * close.
 */
static int
walk(int dirfd, const char **path)
{
	char piece[PATH_MAX];
	int fd = -1;
	do {
		size_t n = piece_len(*path);
		if (n == 0) {
			errno = ENAMETOOLONG;
			fd_close(&fd);
			return -1;
		}
		memcpy(piece, *path, n);
		piece[n] = '\0';
		int next = step_into(fd != -1 ? fd : dirfd, piece);
		fd_close(&fd);
		if (next == -1)
			return -1;
		fd = next;
		*path += n;
		*path += strspn(*path, "/");
	} while (strlen(*path) >= PATH_MAX);
	return fd;
}

static const char *
or_dot(const char *path)
{
	return path[0] == '\0' ? "." : path;
}

static bool
must_be_cut(const char *path)
{
	return errno == ENAMETOOLONG && strlen(path) >= PATH_MAX;
}

int
fd_openat(int dirfd, const char *path, int flags)
{
	int fd = openat(dirfd, or_dot(path), flags | O_CLOEXEC, 0600);
	if (fd != -1 || !must_be_cut(path))
		return fd;
	int dir = walk(dirfd, &path);
	if (dir == -1)
		return -1;
	fd = openat(dir, or_dot(path), flags | O_CLOEXEC, 0600);
	fd_close(&dir);
	return fd;
}

int
fd_lstatat(int dirfd, const char *path, struct stat *st)
{
	int ret = fstatat(dirfd, or_dot(path), st, AT_SYMLINK_NOFOLLOW);
	if (ret == 0 || !must_be_cut(path))
		return ret;
	int dir = walk(dirfd, &path);
	if (dir == -1)
		return -1;
	ret = fstatat(dir, or_dot(path), st, AT_SYMLINK_NOFOLLOW);
	fd_close(&dir);
	return ret;
}
