/* SPDX-License-Identifier: ISC */
#include "base/loop.h"

#include <ev.h>

static void
never(struct ev_loop *loop, struct ev_periodic *periodic, int events)
{
	(void)loop;
	(void)periodic;
	(void)events;
}

/* The first of its periodic watchers has libev make the timerfd, which it keeps. */
void
loop_sleep_long(struct ev_loop *loop)
{
	struct ev_periodic periodic;

	ev_periodic_init(&periodic, never, ev_now(loop) + 3600., 0., NULL);
	ev_periodic_start(loop, &periodic);
	ev_periodic_stop(loop, &periodic);
}
