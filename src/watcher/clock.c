/* SPDX-License-Identifier: ISC */
#include "watcher/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"

/* A step below is the reading of two clocks one after the other, or a slew. */
#define NOISE_MS 100
#define NS_PER_MS INT64_C(1000000)
#define FAR_S INT64_C(9000000000) /* the timer itself is not wanted */

struct clock_watch {
	struct ev_loop *loop;
	struct ev_io io;
	clock_step_cb step;
	void *ctx;
	int fd;
	int64_t distance_ns; /* of the wall clock from CLOCK_BOOTTIME */
};

int64_t
clock_step_ms(int64_t before, int64_t now)
{
	int64_t ms = (now - before) / NS_PER_MS;

	return ms < NOISE_MS && ms > -NOISE_MS ? 0 : ms;
}

static int64_t
read_ns(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

static int64_t
distance(void)
{
	return read_ns(CLOCK_REALTIME) - read_ns(CLOCK_BOOTTIME);
}

static int
arm(int fd)
{
	const struct itimerspec far = { .it_value.tv_sec = (time_t)FAR_S };

	return timerfd_settime(
	    fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

/* read(2) fails with ECANCELED when the clock was set. */
static void
on_set(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct clock_watch *c = io->data;
	uint64_t times;
	int64_t now, step;

	(void)loop;
	(void)events;
	if (read(c->fd, &times, sizeof(times)) == -1 && errno == EAGAIN)
		return;
	now = distance();
	step = clock_step_ms(c->distance_ns, now);
	c->distance_ns = now;
	if (arm(c->fd) == -1)
		ev_io_stop(c->loop, &c->io);
	if (step != 0)
		c->step(c->ctx, step);
}

struct clock_watch *
clock_watch_new(struct ev_loop *loop, clock_step_cb step, void *ctx)
{
	struct clock_watch *c;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd == -1 || arm(fd) == -1) {
		log_warn("clock: no timer (jumps of the wall clock are not noted)");
		fd_close(&fd);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->loop = loop;
	c->step = step;
	c->ctx = ctx;
	c->fd = fd;
	c->distance_ns = distance();
	ev_io_init(&c->io, on_set, fd, EV_READ);
	c->io.data = c;
	ev_io_start(loop, &c->io);
	return c;
}

void
clock_watch_free(struct clock_watch *c)
{
	if (c == NULL)
		return;
	ev_io_stop(c->loop, &c->io);
	fd_close(&c->fd);
	free(c);
}
