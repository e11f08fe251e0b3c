/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_LEGACY_H
#define FILEMON_WATCHER_LEGACY_H

/*
 * A watcher that ends for a restart leaves its watches to the one that follows
 * (handover.h), which reads what came meanwhile from the kernel's queues
 * instead of looking at the tree.  Whatever does not fit is refused, root by
 * root, and compared as at any start.
 */

#include "filemon/watch.h"

struct watcher;
struct root;
struct legacy;

/*
 * Sends to the supervisor what the next one needs; after the last commit, which
 * went well.  What cannot be handed over is logged.
 */
void legacy_leave(struct watcher *);

/* What setup.hand has for us, when state and log are open; NULL: nothing that fits. */
struct legacy *legacy_open(struct watcher *);
/* The root's watch; NULL: a new one is wanted. */
struct fm_watch *legacy_watch(
    struct legacy *, const struct root *, const struct fm_options *);
/* Once all roots are there: counts, logs.  Closes what was not taken. */
void legacy_close(struct watcher *, struct legacy *);

#endif
