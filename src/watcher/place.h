/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_PLACE_H
#define FILEMON_WATCHER_PLACE_H

/*
 * Where a path stands among the rows of state.db.  Directories that were looked
 * up are remembered (dircache.h), because a burst of changes stays in a few.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "state/node.h"

struct watcher;
struct root;

struct place {
	struct watcher *w;
	struct root *root;
	const char *path; /* below the root; not terminated at len */
	size_t len;
	const char *name; /* its last component */
	size_t name_len;
	struct node node; /* where found; else only its parent, 0 if unknown */
	bool found;	  /* there is a row, gone or not */
	int64_t mark;	  /* of the row, where it was recalled */
};

void place_find(
    struct place *, struct watcher *, struct root *, const char *path, size_t);
/* The same from memory (node_recall): of node there are only id and parent then. */
bool place_recall(
    struct place *, struct watcher *, struct root *, const char *path, size_t);
/* The same where there surely is no row; dir is that of its directory. */
void place_new(struct place *, struct watcher *, struct root *, const char *path, size_t,
    int64_t dir);
/* Length of the directory's path; 0: it is the root. */
size_t place_dir_len(const struct place *);
/* The row of the directory; 0 where it is missing and not to be made. */
int64_t place_dir(struct place *, bool make);
/* The row of the path itself, which is a directory; made where missing. */
int64_t place_as_dir(struct place *);
/*
 * A listing shows a directory, and the row it has; it is to be listed itself.  Then
 * its row is known, if what it says is what is there: else 0.
 */
void place_expect(struct root *, const char *path, size_t, const struct node_row *);
int64_t place_expected(struct root *, const char *path, size_t, const struct stat *);
/* Does the row of the directory, node.parent, say that it is there? */
bool place_dir_present(struct place *);
/* Writes the row with this signature; makes it, and its directories, if missing. */
void place_store(struct place *, const struct sig *, bool gone);
/* The path of the row with this id, below the root that is returned; NULL: below none
   that is watched. */
struct root *place_path(struct watcher *, int64_t id, struct buf *path);
/* The row with this id is deleted, changes its place, or is no directory that is
   there any more (0: any may). */
void place_uncache(struct watcher *, int64_t id);

#endif
