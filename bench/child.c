/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "bench/child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/lab.h"

#define ROOM (1024 * 1024)
#define DIGITS 7
#define STOP_MS 10000

static void
open_in(struct child_in *in, int fd)
{
	in->fd = fd;
	if ((in->bytes = malloc(ROOM + 1)) == NULL)
		err(1, NULL);
}

static void
open_fifo(struct child_in *in, const char *path)
{
	in->fd = -1;
	if (path == NULL)
		return;
	if (mkfifo(path, 0666) == -1 && errno != EEXIST)
		err(1, "%s", path);
	/* Both ways, so that it never ends. */
	open_in(in, open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
	if (in->fd == -1)
		err(1, "%s", path);
	in->marked = true;
}

static void
spawn(struct child *child, char **argv, const int ends[2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	child->started = lab_now();
	rc = posix_spawnp(&child->pid, argv[0], &actions, &attr, argv, environ);
	if (rc != 0)
		errx(1, "%s: %s", argv[0], strerror(rc));
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
}

void
child_start(struct child *child, char **argv, const char *fifo)
{
	int out[2], error[2];

	if (pipe2(out, O_CLOEXEC) == -1 || pipe2(error, O_CLOEXEC) == -1)
		err(1, "pipe");
	fcntl(out[1], F_SETPIPE_SZ, ROOM);
	open_fifo(&child->in[CHILD_FIFO], fifo);
	spawn(child, argv, (const int[]){ out[1], error[1] });
	close(out[1]);
	close(error[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(error[0], F_SETFL, O_NONBLOCK);
	open_in(&child->in[CHILD_OUT], out[0]);
	open_in(&child->in[CHILD_ERR], error[0]);
}

/* The number in the last "/f1234567" of the line. */
static long
number_in(const char *line, size_t len)
{
	const char *p = line + len;

	while ((p = memrchr(line, '/', (size_t)(p - line))) != NULL) {
		size_t digits = 0;
		if (p + 2 + DIGITS > line + len || p[1] != 'f')
			continue;
		while (digits < DIGITS && p[2 + digits] >= '0' && p[2 + digits] <= '9')
			digits++;
		if (digits == DIGITS)
			return strtol(p + 2, NULL, 10);
	}
	return -1;
}

static void
hand_on(
    struct child *child, const struct child_in *in, char *line, size_t len, int64_t at)
{
	line[len] = '\0';
	if (in->marked)
		at = strtoll(line, NULL, 10);
	child->on_line(line, number_in(line, len), in->marked, at);
}

static void
take_lines(struct child *child, struct child_in *in, int64_t at)
{
	char *line = in->bytes, *end = in->bytes + in->len, *nl;

	while ((nl = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		hand_on(child, in, line, (size_t)(nl - line), at);
		line = nl + 1;
	}
	in->len = (size_t)(end - line);
	memmove(in->bytes, line, in->len);
	if (in->len == ROOM)
		in->len = 0; /* no line of ours is so long */
}

static void
take(struct child *child, struct child_in *in)
{
	ssize_t n = read(in->fd, in->bytes + in->len, ROOM - in->len);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(in->fd);
		in->fd = -1;
		return;
	}
	in->len += (size_t)n;
	take_lines(child, in, lab_now());
}

bool
child_poll(struct child *child, int fd, int64_t wait_us)
{
	struct pollfd fds[CHILD_INS + 1];
	const struct timespec wait = { .tv_sec = wait_us / 1000000,
		.tv_nsec = wait_us % 1000000 * 1000 };

	for (int i = 0; i < CHILD_INS; i++)
		fds[i] = (struct pollfd){ .fd = child->in[i].fd, .events = POLLIN };
	fds[CHILD_INS] = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (ppoll(fds, CHILD_INS + 1, wait_us < 0 ? NULL : &wait, NULL) <= 0)
		return false;
	for (int i = 0; i < CHILD_INS; i++)
		if (fds[i].revents != 0)
			take(child, &child->in[i]);
	return fds[CHILD_INS].revents != 0;
}

bool
child_stop(struct child *child)
{
	int64_t until = lab_now() + STOP_MS * INT64_C(1000000);
	bool alive =
	    kill(child->pid, SIGTERM) == 0 && waitpid(child->pid, NULL, WNOHANG) == 0;
	bool ended = !alive;

	while (!ended && lab_now() < until) {
		child_poll(child, -1, 10000);
		ended = waitpid(child->pid, NULL, WNOHANG) != 0;
	}
	kill(-child->pid, SIGKILL);
	if (!ended)
		waitpid(child->pid, NULL, 0);
	return alive;
}
