/* SPDX-License-Identifier: ISC */
#include "eventlog/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* Memory that is kept when nothing waits. */
#define KEEP (128 * 1024)

void
outlet_init(struct outlet *o)
{
	*o = (struct outlet){ .fd = -1 };
}

static uint64_t
count_lines(const struct buf *b)
{
	uint64_t n = 0;
	for (size_t i = 0; i < b->len; i++)
		n += b->p[i] == '\n';
	return n;
}

void
outlet_release(struct outlet *o)
{
	o->lost_ever += count_lines(&o->waiting);
	buf_release(&o->waiting);
	fd_close(&o->fd);
	o->begun = o->stuck = false;
}

/* A line longer than the bound may pass alone, else it never could. */
bool
outlet_put(struct outlet *o, const char *line, size_t len, uint64_t seq)
{
	bool full = o->waiting.len > 0 && o->waiting.len + len > OUTLET_WAITING_MAX;
	if (full || o->lost > 0) {
		o->lost++;
		o->lost_ever++;
		o->lost_seq = seq;
		return false;
	}
	if (o->waiting.len == 0)
		o->first_seq = seq;
	buf_add(&o->waiting, line, len);
	return true;
}

void
outlet_forgive(struct outlet *o)
{
	o->lost = 0;
}

/* poll(2) promises room for PIPE_BUF bytes in a pipe. */
static ssize_t
write_polled(int fd, const char *p, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	if (poll(&pfd, 1, 0) == 1)
		return write(fd, p, n < PIPE_BUF ? n : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

static ssize_t
write_some(const struct outlet *o, const char *p, size_t n)
{
	if (o->way == OUTLET_SEND)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (o->way == OUTLET_POLLED)
		return write_polled(o->fd, p, n);
	return write(o->fd, p, n);
}

int
outlet_write(struct outlet *o)
{
	size_t done = 0;
	while (done < o->waiting.len) {
		ssize_t n = write_some(o, o->waiting.p + done, o->waiting.len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	o->written += done;
	o->stuck = done < o->waiting.len;
	if (!o->stuck) {
		o->begun = false;
		buf_shrink(&o->waiting, KEEP);
		return 0;
	}
	if (done > 0)
		o->begun = o->waiting.p[done - 1] != '\n';
	buf_consume(&o->waiting, done);
	return -1;
}

int
outlet_open_shared(struct outlet *o, int fd)
{
	char path[64];
	struct stat st;
	o->way = OUTLET_PLAIN;
	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		o->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		/* EACCES where the pipe or terminal is another user's (su) */
		o->way = o->fd == -1 ? OUTLET_POLLED : OUTLET_PLAIN;
	} else if (S_ISSOCK(st.st_mode)) {
		o->way = OUTLET_SEND; /* a socket cannot be opened anew: ENXIO */
	}
	if (o->fd == -1)
		o->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return o->fd == -1 ? -1 : 0;
}
