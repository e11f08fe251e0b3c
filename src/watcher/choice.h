/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CHOICE_H
#define FILEMON_WATCHER_CHOICE_H

/*
 * What to do with the path that is due next: whether it is still as it was
 * seen, whether another goes first, and whether a load, a removal or a move is
 * to be run.  What may run becomes a job (dispatch.h), and its row says
 * "perhaps delivered" before the runner is asked.
 */

#include <stdbool.h>
#include <stdint.h>

struct watcher;
struct handler;

/* Takes the handler's next due path; false: nothing is due. */
bool choice_take(struct watcher *, struct handler *, int64_t now_ms);

#endif
