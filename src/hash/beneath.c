/* SPDX-License-Identifier: ISC */
#include "hash/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define LOOK_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

/* A component and what follows its slashes; false: too long, or "..". */
static bool
next_name(const char **path, char name[NAME_MAX + 1])
{
	size_t n = strcspn(*path, "/");
	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(name, *path, n);
	name[n] = '\0';
	*path += n;
	*path += strspn(*path, "/");
	if (n > 0 && strcmp(name, "..") != 0)
		return true;
	errno = EINVAL;
	return false;
}

/* O_PATH only looks: whatever is there, nothing of it is opened. */
static int
look(const char *root, const char *path)
{
	char name[NAME_MAX + 1];
	int fd = open(root, LOOK_FLAGS | O_DIRECTORY);
	while (fd != -1 && *path != '\0') {
		int next = -1;
		if (next_name(&path, name))
			next = openat(fd, name,
			    *path == '\0' ? LOOK_FLAGS : LOOK_FLAGS | O_DIRECTORY);
		fd_close(&fd);
		fd = next;
	}
	return fd;
}

/* Without leaving a mark of it, where that is allowed (O_NOATIME: the owner). */
static int
open_seen(int seen)
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", seen);
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(name, flags | O_NOATIME);
	return fd == -1 && errno == EPERM ? open(name, flags) : fd;
}

int
beneath_open(const char *root, const char *path, struct stat *st)
{
	int fd = -1;
	int seen = look(root, path);
	if (seen == -1)
		return -1;
	if (fstat(seen, st) == -1)
		goto out;
	if (S_ISREG(st->st_mode))
		fd = open_seen(seen);
	else
		errno = EINVAL;
out:
	fd_close(&seen);
	return fd;
}
