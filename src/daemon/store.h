/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_STORE_H
#define FILEMON_DAEMON_STORE_H

/*
 * The service manager's store of descriptors: what a daemon that is stopped
 * leaves there is given to the one that is started next, where the two are one
 * restart; else the manager throws it away.  FDSTORE in sd_notify(3),
 * sd_listen_fds(3).
 */

#include <stdbool.h>

#include "watcher/handover.h"

/* Each descriptor under a name of its own; without a manager nothing happens. */
void store_keep(const struct handover *);
/*
 * What the manager gave to this very process, of what it is named after: each is
 * then taken out of the store.  After notify_init, once; false where there is
 * nothing, or more than one of a name: a table may not fit another's queue.
 */
bool store_take(struct handover *);

#endif
