/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_MONITOR_H
#define FILEMON_WATCHER_MONITOR_H

/*
 * The plain monitor: a watcher that has no state.  It believes the hints, and
 * records them as they come; of a listing it records what is in directories that
 * appeared.  Nothing is compared, so what was lost is not found again.  Only where
 * directories have to be polled is there something to compare with, in memory, and
 * from then on it is a watcher like the others, but for the handlers.
 */

#include <filemon/watch.h>

struct root;
struct watcher;

/* A change of a path; not one of a listing. */
void monitor_hint(struct root *, const struct fm_event *);
/* FM_LIST_*. */
void monitor_listing(struct root *, const struct fm_event *);
/* It has to poll: what is there now is the tree, and no news. */
void monitor_give_state(struct watcher *);

#endif
