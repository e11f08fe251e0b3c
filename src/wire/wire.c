/* SPDX-License-Identifier: ISC */
#include "wire/wire.h"

#include <errno.h>
#include <ev.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/xmalloc.h"

#define QUEUE_MAX (64u * 1024 * 1024)
/* Messages read in one turn of the loop: others want their turn too. */
#define BURST 64
/* How long a message may wait for others to be sent with. */
#define GATHER_S 0.005

struct queued {
	STAILQ_ENTRY(queued) link;
	size_t len;
	unsigned char data[];
};

/*
 * The far end's death is told from the loop only (on_close), never from within
 * wire_send; a wire that is freed by its own callback goes when that is over.
 */
struct wire {
	struct ev_loop *loop;
	int fd;
	struct ev_io reader, writer;
	void (*on_msg)(void *ctx, const struct wire_msg *);
	void (*on_close)(void *ctx, const char *why);
	void *ctx;
	STAILQ_HEAD(, queued) queue;
	size_t queued_bytes;
	size_t gathered; /* messages at the queue's end that may wait */
	struct ev_timer gather;
	bool open;
	bool in_callback;
	bool freed;
	const char *why; /* sending failed: close when all is read that came */
	unsigned char in[WIRE_MAX + 1];
	unsigned char out[WIRE_MAX];
};

static void
drop_queue(struct wire *w)
{
	struct queued *q;
	while ((q = STAILQ_FIRST(&w->queue))) {
		STAILQ_REMOVE_HEAD(&w->queue, link);
		free(q);
	}
	w->queued_bytes = 0;
	w->gathered = 0;
}

static void
stop(struct wire *w)
{
	w->open = false;
	ev_io_stop(w->loop, &w->reader);
	ev_io_stop(w->loop, &w->writer);
	ev_timer_stop(w->loop, &w->gather);
	drop_queue(w);
}

static void
closed(struct wire *w, const char *why)
{
	stop(w);
	w->in_callback = true;
	w->on_close(w->ctx, why);
	w->in_callback = false;
}

static void
deliver(struct wire *w, size_t len)
{
	struct wire_msg msg;
	if (wire_decode(&msg, w->in, len) == -1) {
		closed(w, "a malformed message came");
		return;
	}
	w->in_callback = true;
	w->on_msg(w->ctx, &msg);
	w->in_callback = false;
}

static void
read_failed(struct wire *w, int error)
{
	if (error == ECONNRESET)
		closed(w, "closed by peer");
	else if (error != EAGAIN && error != EINTR)
		closed(w, strerror(error));
	else if (error == EAGAIN && w->why)
		closed(w, w->why);
}

/* MSG_TRUNC: the length that was sent, not the one that fit.  A message of no
   bytes looks like the end, and is as good a reason to close. */
static bool
read_one(struct wire *w)
{
	ssize_t n = recv(w->fd, w->in, WIRE_MAX, MSG_TRUNC);
	if (n == -1) {
		read_failed(w, errno);
		return false;
	}
	if (n == 0)
		closed(w, "closed by peer");
	else if (n > WIRE_MAX)
		closed(w, "a message came that is too long");
	else
		deliver(w, (size_t)n);
	return w->open && !w->freed;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	struct wire *w = io->data;
	for (int i = 0; i < BURST && read_one(w); i++)
		;
	if (w->freed)
		free(w);
}

/* 1 sent, 0 not now, -1 never: the reader is to tell, after what came before. */
static int
send_one(struct wire *w, const void *data, size_t len)
{
	ssize_t n;
	do
		n = send(w->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n >= 0)
		return 1;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	int saved = errno;
	w->why =
	    errno == EPIPE || errno == ECONNRESET ? "closed by peer" : strerror(errno);
	drop_queue(w);
	ev_io_stop(w->loop, &w->writer);
	ev_feed_event(w->loop, &w->reader, EV_READ);
	errno = saved;
	return -1;
}

/* What the socket does not take now goes when it does. */
static void
send_queue(struct wire *w)
{
	struct queued *q;
	w->gathered = 0;
	ev_timer_stop(w->loop, &w->gather);
	while ((q = STAILQ_FIRST(&w->queue)) && send_one(w, q->data, q->len) == 1) {
		STAILQ_REMOVE_HEAD(&w->queue, link);
		w->queued_bytes -= q->len;
		free(q);
	}
	if (STAILQ_EMPTY(&w->queue))
		ev_io_stop(w->loop, &w->writer);
	else
		ev_io_start(w->loop, &w->writer);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	send_queue(io->data);
}

static void
on_gathered(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	send_queue(timer->data);
}

static bool
enqueue(struct wire *w, size_t len)
{
	if (w->queued_bytes + len > QUEUE_MAX) {
		errno = ENOBUFS;
		return false;
	}
	struct queued *q = xmalloc(sizeof(*q) + len);
	q->len = len;
	memcpy(q->data, w->out, len);
	STAILQ_INSERT_TAIL(&w->queue, q, link);
	w->queued_bytes += len;
	return true;
}

struct wire *
wire_new(struct ev_loop *loop, int fd, void (*on_msg)(void *, const struct wire_msg *),
    void (*on_close)(void *, const char *), void *ctx)
{
	struct wire *w = xmalloc(sizeof(*w));
	/* Not the buffers: pages that no message needs stay untouched. */
	memset(w, 0, offsetof(struct wire, in));
	w->loop = loop;
	w->fd = fd;
	w->on_msg = on_msg;
	w->on_close = on_close;
	w->ctx = ctx;
	w->open = true;
	STAILQ_INIT(&w->queue);
	ev_io_init(&w->reader, on_readable, fd, EV_READ);
	ev_io_init(&w->writer, on_writable, fd, EV_WRITE);
	ev_timer_init(&w->gather, on_gathered, 0., 0.);
	w->reader.data = w->writer.data = w->gather.data = w;
	fd_nonblock(fd);
	ev_io_start(loop, &w->reader);
	return w;
}

void
wire_free(struct wire *w)
{
	if (!w || w->freed)
		return;
	stop(w);
	fd_close(&w->fd);
	if (w->in_callback)
		w->freed = true;
	else
		free(w);
}

/* Into w->out; its length, or -1. */
static int
encode(struct wire *w, const struct wire_msg *msg)
{
	if (!w->open || w->why) {
		errno = EPIPE;
		return -1;
	}
	return wire_encode(msg, w->out, sizeof(w->out));
}

bool
wire_send(struct wire *w, const struct wire_msg *msg)
{
	int len = encode(w, msg);
	if (len == -1)
		return false;
	int sent = STAILQ_EMPTY(&w->queue) ? send_one(w, w->out, (size_t)len) : 0;
	if (sent != 0 || !enqueue(w, (size_t)len))
		return sent == 1;
	if (!ev_is_active(&w->writer))
		send_queue(w);
	return true;
}

bool
wire_gather(struct wire *w, const struct wire_msg *msg)
{
	int len = encode(w, msg);
	if (len == -1 || !enqueue(w, (size_t)len))
		return false;
	if (ev_is_active(&w->writer))
		return true;
	if (++w->gathered == WIRE_GATHER) {
		send_queue(w);
	} else if (w->gathered == 1) {
		ev_now_update(w->loop);
		ev_timer_set(&w->gather, GATHER_S, 0.);
		ev_timer_start(w->loop, &w->gather);
	}
	return true;
}

/* A message must fit the buffer with the kernel's bookkeeping (socket(7)). */
static void
widen(int fd)
{
	int size = 0, want = 2 * WIRE_MAX;
	socklen_t len = sizeof(size);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 && size < want)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
}

int
wire_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) ==
	    -1)
		return -1;
	widen(fds[0]);
	widen(fds[1]);
	return 0;
}
