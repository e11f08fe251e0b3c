/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * siege KIND N SOCKET: ill-behaved clients of a Unix socket.
 *
 *	idle N    N connections at once that say nothing
 *	slow N    N connections that send a request byte by byte, in turns, for ever
 *	deaf N    N connections that ask as fast as they can and read nothing
 *	line N    one line of N MiB without an end
 *
 * Prints "ready" when it is under way, and goes on until stdin ends; line ends
 * by itself, when all is sent or the other side has hung up.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static long count;
static int *fds;

static int
dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		err(1, "connect");
	return fd;
}

/* One that was hung up on comes again. */
static void
again(long i)
{
	close(fds[i]);
	fds[i] = dial();
	fcntl(fds[i], F_SETFL, O_NONBLOCK);
}

static void
dial_all(void)
{
	fds = calloc((size_t)count, sizeof(*fds));
	if (fds == NULL)
		err(1, "calloc");
	for (long i = 0; i < count; i++)
		fds[i] = dial();
	for (long i = 0; i < count; i++)
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
}

static bool
is_over(int wait_ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&in, 1, wait_ms) == 1 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void
begin(void)
{
	puts("ready");
	fflush(stdout);
}

static void
idle(void)
{
	dial_all();
	begin();
	while (!is_over(-1))
		continue;
}

static void
slow(void)
{
	dial_all();
	begin();
	for (size_t at = 0; !is_over(5); at = (at + 1) % (sizeof(request) - 1))
		for (long i = 0; i < count; i++)
			if (write(fds[i], request + at, 1) == -1 && errno != EAGAIN)
				again(i);
}

static void
deaf(void)
{
	dial_all();
	begin();
	while (!is_over(1))
		for (long i = 0; i < count; i++)
			if (write(fds[i], request, sizeof(request) - 1) == -1 &&
			    errno != EAGAIN)
				again(i);
}

static void
line(void)
{
	static char text[1024 * 1024];
	int fd = dial();

	memset(text, 'x', sizeof(text));
	begin();
	while (count-- > 0 && write(fd, text, sizeof(text)) != -1)
		continue;
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = { { "idle", idle }, { "slow", slow }, { "deaf", deaf }, { "line", line } };

int
main(int argc, char **argv)
{
	struct rlimit many = { 8192, 8192 };

	if (argc != 4 || (count = strtol(argv[2], NULL, 10)) <= 0 ||
	    strlen(argv[3]) >= sizeof(address.sun_path))
		errx(64, "usage: siege idle|slow|deaf|line N SOCKET");
	setrlimit(RLIMIT_NOFILE, &many);
	signal(SIGPIPE, SIG_IGN);
	strcpy(address.sun_path, argv[3]);
	for (size_t i = 0; i < COUNTOF(kinds); i++) {
		if (strcmp(argv[1], kinds[i].name) == 0) {
			kinds[i].run();
			return 0;
		}
	}
	errx(64, "siege: no such kind: %s", argv[1]);
}
