/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_INTAKE_H
#define FILEMON_WATCHER_INTAKE_H

/*
 * Takes what libfilemon tells.  With state every hint leads to a look
 * (reconcile); without, they go to the plain monitor (monitor.h).
 */

#include <filemon/watch.h>
#include <stdbool.h>

struct watcher;
struct root;
struct legacy;

/* Opens the watch of a root, or takes over the one that is there (legacy.h).
   -1 with errno. */
int intake_open(struct watcher *, struct root *, struct legacy *);
void intake_close(struct root *);
/* Reads one bufferful; true if there may be more. */
bool intake_read(struct watcher *, struct root *);

#endif
