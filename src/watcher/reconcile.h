/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_RECONCILE_H
#define FILEMON_WATCHER_RECONCILE_H

/*
 * Compares a path with what was last seen of it and with what each handler was
 * last told.  An event is a hint, lstat(2) is the truth: every record of the
 * event log is a change of `seen`, so replaying the log gives the tree.
 *
 * "Could not look" (EACCES, EIO ...) is not "is gone": such a path stays as it
 * was.  Nor is anything gone while its root is away.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "watcher/node.h"

struct watcher;
struct root;

enum hint { HINT_LOOK, HINT_CREATED, HINT_WRITTEN, HINT_ATTRIB, HINT_DELETED };

enum presence { PRESENCE_UNKNOWN, PRESENCE_ABSENT, PRESENCE_PRESENT };

/* lstat of the path; errno tells why PRESENCE_UNKNOWN. */
enum presence reconcile_presence(
    struct watcher *, struct root *, const char *path, size_t len, struct stat *);
/* Looks at a path (st: what a listing saw of it just now; may be NULL). */
void reconcile_path(struct watcher *, struct root *, const char *path, size_t len,
    enum hint, const struct stat *st);
/* The kernel said: old is now path. */
struct rename_paths {
	const char *old_path;
	size_t old_len;
	const char *path;
	size_t len;
	bool is_dir;
};
void reconcile_rename(struct watcher *, struct root *, const struct rename_paths *);
/*
 * Makes a node pending for the handlers that were not told of its present
 * state, or settled where they were.  changed: content may differ though the
 * signature does not.
 */
void reconcile_node(struct watcher *, struct root *, const struct node *,
    const char *path, size_t len, bool changed);
/* Drops a gone node that no handler waits for, and its parents likewise. */
void reconcile_cleanup(struct watcher *, struct root *, int64_t node);
/* Looks again at what was delivered with stamps too young to be trusted. */
void reconcile_unsure(struct watcher *);
/* After rows of directories changed places. */
void reconcile_forget_cache(struct watcher *);

struct handler;
bool reconcile_wants(
    const struct handler *, const struct node *, const char *path, size_t len);

#endif
