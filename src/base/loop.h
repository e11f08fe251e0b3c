/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_LOOP_H
#define FILEMON_BASE_LOOP_H

struct ev_loop;

/*
 * From now on the loop sleeps until something happens.  Else libev (4.33) wakes up
 * every 59.7 s, to see whether the wall clock was set; it leaves that to a timerfd,
 * which tells of it, once it has one.
 */
void loop_sleep_long(struct ev_loop *);

#endif
