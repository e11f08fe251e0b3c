/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_TURN_H
#define FILEMON_WATCHER_TURN_H

/*
 * A turn of the loop.  Notifications are read and directories listed, a slice
 * of each; then, before the loop sleeps: what may start is chosen, the event
 * log is written, the state committed, and only after that the runner asked
 * and waiting clients answered.
 */

#include <stdbool.h>

struct watcher;

/* Once, when everything is open. */
void turn_start(struct watcher *);
/*
 * After the loop has ended: reads and lists until nothing is under way but what
 * the kernel may queue from now on; false where two seconds were not enough.
 */
bool turn_rest(struct watcher *);

#endif
