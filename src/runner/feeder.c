/* SPDX-License-Identifier: ISC */
#include "runner/feeder.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "runner/follow.h"
#include "runner/unpacker.h"

/* How soon to look again at a log that could not be read. */
#define AGAIN_S 0.5

struct feeder {
	struct ev_loop *loop;
	struct feeder_hooks hooks;
	char *subject;
	struct follow *follow;
	struct unpacker *unpacker;
	uint64_t last;	       /* of the records in the log */
	struct ev_io pipe;     /* fd -1: none */
	struct ev_timer again; /* to feed, though nothing has happened */
	char error[256];
};

static void
feed_in(struct feeder *f, double seconds)
{
	ev_timer_stop(f->loop, &f->again);
	ev_timer_set(&f->again, seconds, 0.);
	ev_timer_start(f->loop, &f->again);
}

static void
say_unreadable(struct feeder *f, int error)
{
	if (!*f->error)
		log_warnx("%s: the event log cannot be read: %s (tried again)",
		    f->subject, strerror(error));
	snprintf(f->error, sizeof(f->error), "event log: %s", strerror(error));
	feed_in(f, AGAIN_S);
}

static void
see_to(struct feeder *f, enum follow_end end, int error)
{
	if (end != FOLLOW_FAILED && end != FOLLOW_PACKED)
		f->error[0] = '\0';
	switch (end) {
	case FOLLOW_FULL:
		ev_io_start(f->loop, &f->pipe);
		break;
	case FOLLOW_CAUGHT:
		break;
	case FOLLOW_MORE:
		feed_in(f, 0.);
		break;
	case FOLLOW_GONE:
		f->hooks.refused(f->hooks.ctx);
		break;
	case FOLLOW_PACKED:
		unpacker_start(f->unpacker, follow_wants(f->follow));
		break;
	case FOLLOW_FAILED:
		say_unreadable(f, error);
		break;
	}
}

void
feeder_feed(struct feeder *f)
{
	if (f->pipe.fd == -1)
		return;
	enum follow_end end = follow_feed(f->follow, f->pipe.fd, f->last);
	int error = errno;
	if (end != FOLLOW_FULL)
		ev_io_stop(f->loop, &f->pipe);
	see_to(f, end, error);
	f->hooks.looked(f->hooks.ctx);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	feeder_feed(io->data);
}

static void
on_again(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	feeder_feed(timer->data);
}

static void
on_unpacked(void *ctx, int fd, uint64_t lost)
{
	struct feeder *f = ctx;
	if (lost > 0)
		log_warnx("%s: event segment %llu: it is damaged (%llu records are "
			  "left out)",
		    f->subject, (unsigned long long)follow_wants(f->follow)->first,
		    (unsigned long long)lost);
	follow_give(f->follow, fd, lost);
	feeder_feed(f);
}

static void
on_unpack_failed(void *ctx, const char *why)
{
	struct feeder *f = ctx;
	if (!*f->error)
		log_warnx(
		    "%s: event segment %llu: cannot be decompressed: %s (tried again)",
		    f->subject, (unsigned long long)follow_wants(f->follow)->first, why);
	snprintf(f->error, sizeof(f->error), "event log: %s", why);
	f->hooks.looked(f->hooks.ctx);
}

static void
on_unpack_again(void *ctx)
{
	struct feeder *f = ctx;
	follow_look_again(f->follow);
	feeder_feed(f);
}

struct feeder *
feeder_new(struct ev_loop *loop, struct jobs *jobs, const struct feeder_spec *spec,
    const struct feeder_hooks *hooks)
{
	struct feeder *f = xcalloc(1, sizeof(*f));
	const struct unpacker_spec unpacker_spec = { spec->subject, spec->dir,
		spec->backoff_ms, spec->backoff_max_ms };
	const struct unpacker_hooks unpacker_hooks = { on_unpacked, on_unpack_failed,
		on_unpack_again, f };
	f->loop = loop;
	f->hooks = *hooks;
	f->subject = xstrdup(spec->subject);
	f->follow = follow_new(spec->dir);
	f->unpacker = unpacker_new(loop, jobs, &unpacker_spec, &unpacker_hooks);
	ev_io_init(&f->pipe, on_writable, -1, EV_WRITE);
	ev_init(&f->again, on_again);
	f->pipe.data = f->again.data = f;
	return f;
}

void
feeder_free(struct feeder *f)
{
	if (!f)
		return;
	feeder_close(f);
	unpacker_free(f->unpacker);
	follow_free(f->follow);
	free(f->subject);
	free(f);
}

void
feeder_open(struct feeder *f, int pipe_fd, uint64_t seq)
{
	f->error[0] = '\0';
	follow_seek(f->follow, seq);
	ev_io_set(&f->pipe, pipe_fd, EV_WRITE);
	feeder_feed(f);
}

void
feeder_close(struct feeder *f)
{
	int fd = f->pipe.fd;
	ev_timer_stop(f->loop, &f->again);
	unpacker_stop(f->unpacker);
	ev_io_stop(f->loop, &f->pipe);
	fd_close(&fd);
	f->pipe.fd = -1;
}

bool
feeder_is_open(const struct feeder *f)
{
	return f->pipe.fd != -1;
}

void
feeder_log(struct feeder *f, uint64_t last)
{
	f->last = last;
	feeder_feed(f);
}

uint64_t
feeder_fed(const struct feeder *f)
{
	return follow_fed(f->follow);
}

/* What waits in the pipe was not taken. */
uint64_t
feeder_taken(const struct feeder *f)
{
	int unread = 0;
	if (f->pipe.fd == -1 || ioctl(f->pipe.fd, FIONREAD, &unread) == -1)
		return 0;
	return follow_taken(f->follow, (size_t)unread);
}

uint64_t
feeder_missed(const struct feeder *f)
{
	return follow_missed(f->follow);
}

int64_t
feeder_time_after(const struct feeder *f, uint64_t seq)
{
	return follow_time_after(f->follow, seq);
}

const char *
feeder_error(const struct feeder *f)
{
	return f->error;
}
