/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libutil.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define PID_WAIT_MS 1000
#define PID_POLL_MS 10

int
lock_check_dir(const char *state_dir, bool create, char *error, size_t size)
{
	struct stat st;
	if (create && mkdir(state_dir, 0700) == -1 && errno != EEXIST)
		snprintf(error, size, "%s: %s", state_dir, strerror(errno));
	else if (lstat(state_dir, &st) == -1)
		snprintf(error, size, "%s: %s%s", state_dir, strerror(errno),
		    errno == ENOENT ? " (filemonctl init makes it)" : "");
	else if (!S_ISDIR(st.st_mode))
		snprintf(error, size, "%s: not a directory%s", state_dir,
		    S_ISLNK(st.st_mode) ? ", but a symbolic link" : "");
	else if (st.st_uid != geteuid())
		snprintf(error, size,
		    "%s: owned by user %u, not by user %u who runs filemond", state_dir,
		    (unsigned)st.st_uid, (unsigned)geteuid());
	else
		return 0;
	return -1;
}

/* 0 where none is written yet, or that of a former holder which is gone. */
static pid_t
read_pid(const char *path)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[n > 0 ? n : 0] = '\0';
	long pid = strchr(text, '\n') ? strtol(text, NULL, 10) : 0;
	if (pid <= 0 || (kill((pid_t)pid, 0) == -1 && errno == ESRCH))
		return 0;
	return (pid_t)pid;
}

int
lock_take(const char *state_dir, pid_t *holder)
{
	char *path = xasprintf("%s/lock", state_dir);
	int64_t end = clk_mono_ms() + PID_WAIT_MS;
	int fd;
	*holder = 0;
	/* The holder may be between the lock and its pid, or be about to leave. */
	for (;;) {
		fd = flopen(path,
		    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);
		if (fd != -1 || errno != EWOULDBLOCK)
			break;
		*holder = read_pid(path);
		if (*holder > 0 || clk_mono_ms() >= end) {
			errno = EWOULDBLOCK;
			break;
		}
		poll(NULL, 0, PID_POLL_MS);
	}
	int saved = errno;
	free(path);
	errno = saved;
	return fd;
}

bool
lock_is_held(const char *state_dir, int fd)
{
	char *path = xasprintf("%s/lock", state_dir);
	struct stat there, here;
	bool same = lstat(path, &there) == 0 && fstat(fd, &here) == 0 &&
	    there.st_dev == here.st_dev && there.st_ino == here.st_ino;
	free(path);
	return same && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* SQLite's own lock: a watcher holds it for life, and for writing. */
bool
lock_is_passed_by(const char *state_dir, pid_t *user)
{
	char *path = xasprintf("%s/state.db", state_dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	bool used = fd != -1 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	*user = used && lock.l_pid > 0 ? lock.l_pid : 0;
	fd_close(&fd);
	free(path);
	return used;
}

int
lock_write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)len, 0) != len)
		return -1;
	return 0;
}
