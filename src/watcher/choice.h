/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CHOICE_H
#define FILEMON_WATCHER_CHOICE_H

/*
 * What to do with the path that is due next: whether it is still as it was
 * seen, whether another goes first, and whether a load, a removal or a move is
 * to be run.  What may run becomes a job (dispatch.h), and its row says
 * "perhaps delivered" before the runner is asked.
 */

struct watcher;
struct handler;
struct delivery;

/* Takes the handler's next due path, whose row this is. */
void choice_take(struct watcher *, struct handler *, const struct delivery *);

#endif
