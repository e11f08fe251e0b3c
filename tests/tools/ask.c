/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * ask SOCKET: stdin goes to the Unix socket as it is, what comes back goes to
 * stdout until the peer closes.  The end of stdin is passed on.  Reaches long
 * paths through /proc/self/fd, as a client of the daemon must.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *dir = strdup(path), *base = strdup(path);
	int dfd = open(dirname(dir), O_PATH | O_DIRECTORY);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (dfd == -1 || fd == -1)
		err(1, "%s", path);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s", dfd,
	    basename(base));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	close(dfd);
	free(dir);
	free(base);
	return fd;
}

/* Copies what is there; 0 at the end of file or when the other side is gone. */
static int
pass(int from, int to)
{
	char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf)), done = 0, w;

	while (n > 0 && done < n) {
		w = write(to, buf + done, (size_t)(n - done));
		if (w <= 0)
			return 0;
		done += w;
	}
	return n > 0;
}

int
main(int argc, char **argv)
{
	struct pollfd p[2];

	if (argc != 2)
		errx(64, "usage: ask SOCKET");
	signal(SIGPIPE, SIG_IGN);
	p[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = dial(argv[1]), .events = POLLIN };
	for (;;) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			err(1, "poll");
		if (p[1].revents != 0 && pass(p[1].fd, 1) == 0)
			return 0;
		if (p[0].fd != -1 && p[0].revents != 0 && pass(0, p[1].fd) == 0) {
			shutdown(p[1].fd, SHUT_WR);
			p[0].fd = -1;
		}
	}
}
