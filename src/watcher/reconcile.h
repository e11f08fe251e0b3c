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

#include "watcher/place.h"

struct watcher;
struct root;

/* HINT_MODIFIED: data were written; HINT_WRITTEN: perhaps, a writer closed. */
enum hint {
	HINT_LOOK,
	HINT_CREATED,
	HINT_WRITTEN,
	HINT_MODIFIED,
	HINT_ATTRIB,
	HINT_DELETED,
};

enum presence { PRESENCE_UNKNOWN, PRESENCE_ABSENT, PRESENCE_PRESENT };

/* lstat of the path; errno tells why PRESENCE_UNKNOWN. */
enum presence reconcile_presence(
    struct watcher *, struct root *, const char *path, size_t len, struct stat *);
/* Looks at a path (st: what a listing saw of it just now; may be NULL). */
void reconcile_path(struct watcher *, struct root *, const char *path, size_t len,
    enum hint, const struct stat *st);
/* The same, where it is there and its place is known. */
void reconcile_present(struct place *, enum hint, const struct stat *st);
/* A change of one name of a file is a change of its other names too: inotify tells of
   none of them. */
void reconcile_links(struct watcher *, const struct node *, enum hint);
/*
 * Is the path in a directory that is there, so that a row for it means
 * something?  lstat(2) follows a symbolic link in the middle, and what it finds
 * there is elsewhere.  A parent that does not count as a directory is looked at
 * again.
 */
bool reconcile_parent(struct place *);
/*
 * Is what a look at the path has just shown, or has not, that of this place?  A
 * notification names the directory as it was called then.  Where that has been renamed
 * meanwhile, "no such file" says nothing of the file, and a file that is there is
 * in another directory: then the directory is marked, and listed when its new name is
 * known.
 */
bool reconcile_is_certain(const struct place *, bool is_there);
/* Has a directory listed.  path need not end at len. */
void reconcile_list(
    struct watcher *, struct root *, const char *path, size_t len, bool recursive);
/* Is the root a mount point? */
bool reconcile_is_mounted(const struct root *);

#endif
