/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_PENDING_H
#define FILEMON_WATCHER_PENDING_H

/*
 * Pending = seen differs from delivered.  Compares a node with what each
 * handler was last told of it, and gives what differs its due time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "state/node.h"

struct watcher;
struct root;
struct handler;

/* Is the path one that the handler has to be told of? */
bool pending_wants(
    const struct handler *, const struct node *, const char *path, size_t len);
/*
 * Makes a node pending for the handlers that were not told of its present
 * state, or settled where they were.  changed: content may differ though the
 * signature does not.
 */
void pending_update(struct watcher *, struct root *, const struct node *,
    const char *path, size_t len, bool changed);
/* Drops a gone node that no handler waits for, and its parents likewise. */
void pending_cleanup(struct watcher *, struct root *, int64_t node);
/* What was delivered, or given up, with one signature counts so with another. */
void pending_carry(struct watcher *, int64_t node, int64_t from, int64_t to);

#endif
