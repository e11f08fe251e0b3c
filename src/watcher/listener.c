/* SPDX-License-Identifier: ISC */
#include "watcher/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"

#define BACKLOG 64

/*
 * sun_path holds 107 bytes; a longer path is reached through a descriptor of
 * its directory (proc(5): /proc/self/fd).
 */
static int
socket_address(const char *path, struct sockaddr_un *address, int *dir)
{
	const char *slash = strrchr(path, '/');
	char *parent;

	*dir = -1;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path));
		return 0;
	}
	parent = xstrndup(path, (size_t)(slash - path));
	*dir = fd_openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY);
	free(parent);
	if (*dir == -1)
		return -1;
	if (snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s",
		*dir, slash) < (int)sizeof(address->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int
bind_privately(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(mask);
	return rc;
}

int
listener_open(struct listener *l, const char *path)
{
	struct sockaddr_un address;
	int dir = -1, fd = -1;
	struct stat st;

	if (socket_address(path, &address, &dir) == -1)
		goto fail;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		goto fail;
	if (unlink(address.sun_path) == -1 && errno != ENOENT)
		goto fail;
	if (bind_privately(fd, &address) == -1 || listen(fd, BACKLOG) == -1 ||
	    lstat(address.sun_path, &st) == -1)
		goto fail;
	fd_close(&dir);
	*l = (struct listener){ path, fd, st.st_dev, st.st_ino };
	return 0;
fail:
	fd_close(&dir);
	fd_close(&fd);
	return -1;
}

bool
listener_is_there(const struct listener *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0)
		return st.st_dev == l->dev && st.st_ino == l->ino;
	return errno != ENOENT && errno != ENOTDIR;
}

void
listener_close(struct listener *l)
{
	if (listener_is_there(l))
		unlink(l->path);
	fd_close(&l->fd);
}

/* EAGAIN: its queue is full, so there is one. */
static bool
another_answers(const char *path)
{
	struct sockaddr_un address;
	bool answers = false;
	int dir = -1, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd != -1 && socket_address(path, &address, &dir) == 0)
		answers =
		    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		    errno == EAGAIN;
	fd_close(&dir);
	fd_close(&fd);
	return answers;
}

int
listener_renew(struct listener *l)
{
	int old = l->fd;

	if (another_answers(l->path)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (listener_open(l, l->path) == -1)
		return -1;
	fd_close(&old);
	return 0;
}
