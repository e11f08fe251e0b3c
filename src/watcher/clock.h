/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CLOCK_H
#define FILEMON_WATCHER_CLOCK_H

/*
 * Jumps of the wall clock, which the times of records show.  The kernel tells
 * when it is set (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)), so nothing is
 * polled; a step is the change of its distance from CLOCK_BOOTTIME.
 */

#include <ev.h>
#include <stdint.h>

struct clock_watch;

/* step_ms is how far the clock was set, back where it is negative. */
typedef void (*clock_step_cb)(void *ctx, int64_t step_ms);

/* NULL where the kernel cannot tell; logged. */
struct clock_watch *clock_watch_new(struct ev_loop *, clock_step_cb, void *ctx);
void clock_watch_free(struct clock_watch *);

/* Pure: what has the clock been stepped by, and is that more than the noise? */
int64_t clock_step_ms(int64_t distance_before_ns, int64_t distance_ns);

#endif
