/* SPDX-License-Identifier: ISC */
#include "base/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define CHUNK 4096
/* Memory a connection keeps that has nothing to say. */
#define KEEP (4 * CHUNK)
/* So much waits to be read by the peer: no more of its lines are taken. */
#define PAUSE_AT (16 * CHUNK)

/*
 * A connection is closed in one place, shut, and only from the loop: whoever
 * finds a reason notes it (doom) and has the loop call back, so that neither
 * conn_send nor conn_finish can free what their caller holds.
 */
struct conn {
	struct ev_loop *loop;
	struct conn_options opt;
	struct ev_io reader, writer;
	struct ev_timer idle;
	int fd;
	bool in_callback;
	bool shutting;
	bool finishing;	 /* what still comes in is thrown away */
	const char *why; /* the first reason to close */
	struct buf in, out;
};

static void
doom(struct conn *c, const char *why)
{
	if (!c->why)
		c->why = why;
	ev_feed_event(c->loop, &c->reader, EV_CUSTOM);
}

static void
destroy(struct conn *c)
{
	ev_io_stop(c->loop, &c->reader);
	ev_io_stop(c->loop, &c->writer);
	ev_timer_stop(c->loop, &c->idle);
	fd_close(&c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

/* unix(7) sockets that are closed with something unread give the peer
   ECONNRESET where it should see the end. */
static void
drain(int fd)
{
	char junk[CHUNK];
	for (int i = 0; i < 16; i++) {
		if (recv(fd, junk, sizeof(junk), MSG_DONTWAIT) <= 0)
			return;
	}
}

static void
shut(struct conn *c)
{
	c->shutting = true;
	drain(c->fd);
	if (c->opt.on_close)
		c->opt.on_close(c, c->opt.ctx, c->why);
	destroy(c);
}

/* A line of in that begins at from; its end goes to *next. */
static bool
take_line(struct conn *c, size_t from, size_t *next)
{
	char *line = c->in.p + from;
	char *newline = memchr(line, '\n', c->in.len - from);
	size_t len = newline ? (size_t)(newline - line) : c->in.len - from;
	if (len > c->opt.max_in) {
		doom(c, "line too long");
		return false;
	}
	if (!newline)
		return false;
	*newline = '\0';
	*next = from + len + 1;
	c->in_callback = true;
	c->opt.on_line(c, c->opt.ctx, line, len);
	c->in_callback = false;
	return true;
}

/* Who does not read the answers is asked for no more requests. */
static void
take_lines(struct conn *c)
{
	size_t from = 0;
	while (!c->finishing && !c->why && from < c->in.len && c->out.len < PAUSE_AT &&
	    take_line(c, from, &from))
		;
	if (!c->why && c->out.len >= PAUSE_AT)
		ev_io_stop(c->loop, &c->reader);
	buf_consume(&c->in, from);
	if (c->finishing || c->in.len == 0)
		buf_shrink(&c->in, KEEP);
}

/* A peer that only closed its sending side still gets what it asked for. */
static void
end_of_input(struct conn *c)
{
	ev_io_stop(c->loop, &c->reader);
	c->finishing = true;
	if (c->out.len == 0)
		doom(c, "closed by peer");
}

static void
read_some(struct conn *c)
{
	buf_reserve(&c->in, CHUNK);
	ssize_t n = read(c->fd, c->in.p + c->in.len, CHUNK);
	if (n == 0) {
		end_of_input(c);
	} else if (n > 0) {
		if (ev_is_active(&c->idle))
			ev_timer_again(c->loop, &c->idle);
		c->in.len += (size_t)n;
		c->in.p[c->in.len] = '\0';
		take_lines(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		doom(c, errno == ECONNRESET ? "closed by peer" : strerror(errno));
	}
}

static ssize_t
put(int fd, const void *p, size_t n)
{
	ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
	return sent == -1 && errno == ENOTSOCK ? write(fd, p, n) : sent;
}

static void
flush(struct conn *c)
{
	size_t done = 0;
	while (done < c->out.len && !c->why) {
		ssize_t n = put(c->fd, c->out.p + done, c->out.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			doom(c, errno == EPIPE ? "closed by peer" : strerror(errno));
	}
	buf_consume(&c->out, done);
	if (c->out.len > 0) {
		ev_io_start(c->loop, &c->writer);
		return;
	}
	ev_io_stop(c->loop, &c->writer);
	buf_shrink(&c->out, KEEP);
	if (c->finishing)
		doom(c, "finished");
}

static void
on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	(void)loop;
	struct conn *c = w->data;
	if (events & EV_READ && !c->why)
		read_some(c);
	if (c->why)
		shut(c);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *w, int events)
{
	(void)loop, (void)events;
	struct conn *c = w->data;
	bool paused = c->out.len >= PAUSE_AT;
	flush(c);
	if (c->why || c->finishing || c->out.len >= PAUSE_AT)
		return;
	if (paused) {
		ev_io_start(c->loop, &c->reader);
		take_lines(c);
	}
}

static void
on_idle(struct ev_loop *loop, struct ev_timer *w, int events)
{
	(void)loop, (void)events;
	doom(w->data, "idle");
}

struct conn *
conn_new(struct ev_loop *loop, int fd, const struct conn_options *opt)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	c->loop = loop;
	c->opt = *opt;
	c->fd = fd;
	ev_io_init(&c->reader, on_readable, fd, EV_READ);
	ev_io_init(&c->writer, on_writable, fd, EV_WRITE);
	ev_init(&c->idle, on_idle);
	c->reader.data = c->writer.data = c->idle.data = c;
	if (fd_nonblock(fd) == -1)
		doom(c, strerror(errno));
	else
		ev_io_start(loop, &c->reader);
	conn_set_idle(c, opt->idle_ms);
	return c;
}

void
conn_free(struct conn *c)
{
	if (!c || c->shutting) /* on_close comes from shut, which frees */
		return;
	assert(!c->in_callback);
	destroy(c);
}

bool
conn_send(struct conn *c, const char *text, size_t len)
{
	if (c->shutting || c->why)
		return false;
	bool was_empty = c->out.len == 0;
	buf_reserve(&c->out, len + 1);
	buf_add(&c->out, text, len);
	buf_addc(&c->out, '\n');
	if (was_empty)
		flush(c);
	if (c->out.len > c->opt.max_out && !c->why) {
		buf_release(&c->out);
		doom(c, "peer does not read");
	}
	return !c->why;
}

void
conn_finish(struct conn *c)
{
	if (c->shutting || c->finishing)
		return;
	c->finishing = true;
	if (c->out.len == 0)
		doom(c, "finished");
}

void
conn_set_idle(struct conn *c, int64_t idle_ms)
{
	if (c->shutting)
		return;
	c->idle.repeat = (ev_tstamp)idle_ms / 1000.;
	ev_timer_again(c->loop, &c->idle); /* stops it where repeat is 0 */
}

void *
conn_ctx(const struct conn *c)
{
	return c->opt.ctx;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}
