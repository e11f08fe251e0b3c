/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_HELD_H
#define FILEMON_WATCHER_HELD_H

/*
 * What is held back of the stream (save.h) at a commit, in state.db: the paths
 * count as seen there, so their records must not go with the process.  Written
 * in the transaction that commits the paths; at the next start, after undo_ahead
 * has brought the log to that state, held_restore records what was held.
 */

struct save;
struct watcher;

/* Writes the windows that have changed. */
void held_keep(struct watcher *, struct save *);
void held_restore(struct watcher *);

#endif
