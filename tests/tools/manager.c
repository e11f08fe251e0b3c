/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * What a service manager does for a service with a store of descriptors:
 *
 *	manager SOCKET COMMAND...
 *
 * runs the command with NOTIFY_SOCKET, prints each message as one line, keeps the
 * descriptors that come with FDSTORE=1 and drops those named by FDSTOREREMOVE=1.
 * SIGHUP: stops the command by SIGTERM and starts it again with what is kept, as
 * LISTEN_FDS.  SIGTERM: stops it and ends.
 */

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_MAX 80
#define FIRST_FD 3

static struct kept {
	int fd;
	char name[64];
} kept[KEPT_MAX];
static size_t n_kept;

/* The value of NAME= in the message, up to the end of its line; false: not there. */
static bool
value_of(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	if (at == NULL)
		return false;
	at += strlen(name);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

static void
drop(const char *name)
{
	for (size_t i = n_kept; i-- > 0;) {
		if (strcmp(kept[i].name, name) != 0)
			continue;
		close(kept[i].fd);
		kept[i] = kept[--n_kept];
	}
}

static void
take(char *text, int fd)
{
	char name[64] = "", flag[8];

	value_of(text, "FDNAME=", name, sizeof(name));
	if (value_of(text, "FDSTOREREMOVE=", flag, sizeof(flag)))
		drop(name);
	else if (value_of(text, "FDSTORE=", flag, sizeof(flag)) && n_kept < KEPT_MAX) {
		kept[n_kept].fd = fd;
		snprintf(kept[n_kept].name, sizeof(kept[n_kept].name), "%s", name);
		n_kept++;
		fd = -1;
	}
	if (fd != -1)
		close(fd);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	puts(text);
	fflush(stdout);
}

/* False where there is no message. */
static bool
receive(int sock)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char text[2048];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fd = -1;

	if (n == -1)
		return false;
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	take(text, fd);
	return true;
}

/* In the child: the kept ones from FIRST_FD on, in an order that nobody promised. */
static void
pass_on(void)
{
	char names[KEPT_MAX * 65] = "", text[32];
	int high[KEPT_MAX];

	for (size_t i = 0; i < n_kept; i++)
		high[i] = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, FIRST_FD + KEPT_MAX);
	for (size_t i = 0; i < n_kept; i++) {
		dup2(high[i], FIRST_FD + (int)i);
		if (i > 0)
			strcat(names, ":");
		strcat(names, kept[i].name);
	}
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%zu", n_kept);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static pid_t
start(char **argv)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (n_kept > 0)
		pass_on();
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

static int
open_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd == -1 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1)
		err(1, "%s", path);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
	struct signalfd_siginfo info;
	bool again = false;
	int sock, signals, status;
	pid_t pid;

	if (argc < 3)
		errx(64, "usage: manager SOCKET COMMAND...");
	sock = open_socket(argv[1]);
	signals = open_signals();
	pid = start(argv + 2);
	for (;;) {
		struct pollfd fds[] = { { .fd = sock, .events = POLLIN },
			{ .fd = signals, .events = POLLIN } };

		poll(fds, 2, -1);
		while (receive(sock))
			continue;
		if (fds[1].revents == 0 ||
		    read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD) {
			again = info.ssi_signo == SIGHUP;
			kill(pid, SIGTERM);
		} else if (waitpid(pid, &status, WNOHANG) == pid) {
			while (receive(sock)) /* what it said last */
				continue;
			printf("ended %d\n", WEXITSTATUS(status));
			if (!again)
				return WEXITSTATUS(status);
			again = false;
			pid = start(argv + 2);
		}
	}
}
