/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "git/gitread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

/* O_PATH only looks: whatever is there, nothing of it is opened. */
int
gitread_open(const char *path, struct stat *st)
{
	char name[64];
	int seen = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;

	if (seen == -1 || fstat(seen, st) == -1)
		goto out;
	errno = EINVAL;
	if (!S_ISREG(st->st_mode))
		goto out;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", seen);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
out:
	fd_close(&seen);
	return fd;
}

int
gitread_text(const char *path, char *out, size_t size)
{
	struct stat st;
	int fd = gitread_open(path, &st);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, out, size);
	fd_close(&fd);
	if (n == (ssize_t)size)
		errno = EFBIG;
	if (n == -1 || n == (ssize_t)size)
		return -1;
	out[n] = '\0';
	return 0;
}
