/* SPDX-License-Identifier: ISC */
#include "base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"

static struct sockaddr_un address;
static socklen_t address_len; /* 0: there is nobody to tell */
static int64_t watchdog_ms;
static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
static char *taken[COUNTOF(names)]; /* with their names */

static void
take_address(const char *name)
{
	size_t len = strlen(name);
	address_len = 0;
	if (name[0] != '/' && name[0] != '@') {
		log_warnx("NOTIFY_SOCKET: \"%s\": neither a path nor an abstract name "
			  "(the service manager is not told of anything)",
		    name);
		return;
	}
	if (len < 2 || len >= sizeof(address.sun_path)) {
		log_warnx("NOTIFY_SOCKET: a name of %zu bytes does not fit an address "
			  "(the service manager is not told of anything)",
		    len);
		return;
	}
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0'; /* unix(7): abstract, its length counts */
	address_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

/* sd_watchdog_enabled(3): WATCHDOG_PID says whom it is for. */
static int64_t
watchdog_of(const char *usec, const char *pid)
{
	char *end;
	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	errno = 0;
	long long us = strtoll(usec, &end, 10);
	if (errno != 0 || *end != '\0' || us <= 0)
		return 0;
	return us >= 2000 ? us / 2000 : 1;
}

void
notify_init(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	address_len = 0;
	if (name && *name)
		take_address(name);
	watchdog_ms = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	for (size_t i = 0; i < COUNTOF(names); i++) {
		const char *value = getenv(names[i]);
		free(taken[i]);
		taken[i] = value ? xasprintf("%s=%s", names[i], value) : NULL;
		unsetenv(names[i]);
	}
}

char *
notify_env(unsigned i)
{
	for (size_t at = 0; at < COUNTOF(names); at++)
		if (taken[at] && i-- == 0)
			return xstrdup(taken[at]);
	return NULL;
}

/* A lost READY=1 is a failed start, so a full queue is waited for, but not long. */
static int
send_message(const struct msghdr *msg)
{
	const struct timeval limit = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	ssize_t n = sendmsg(fd, msg, MSG_NOSIGNAL);
	fd_close(&fd);
	return n == -1 ? -1 : 1;
}

static int
send_datagram(char *text, size_t len)
{
	struct iovec iov = { text, len };
	return send_message(&(struct msghdr){ .msg_name = &address,
	    .msg_namelen = address_len,
	    .msg_iov = &iov,
	    .msg_iovlen = 1 });
}

int
notify_send_fd(int fd, const char *text)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char copy[256];
	struct iovec iov = { copy, strlcpy(copy, text, sizeof(copy)) };
	if (address_len == 0)
		return 0;
	if (iov.iov_len >= sizeof(copy)) {
		errno = EMSGSIZE;
		return -1;
	}
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	return send_message(&(struct msghdr){ .msg_name = &address,
	    .msg_namelen = address_len,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control) });
}

bool
notify_is_there(void)
{
	return address_len > 0;
}

int
notify_send(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	if (address_len == 0)
		return 0;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0)
		return -1;
	if ((size_t)len >= sizeof(text)) {
		errno = EMSGSIZE;
		return -1;
	}
	return send_datagram(text, (size_t)len);
}

int64_t
notify_watchdog_ms(void)
{
	return address_len == 0 ? 0 : watchdog_ms;
}
