/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_NODE_H
#define FILEMON_STATE_NODE_H

/*
 * What was last seen in the tree: a row a path, (parent, name) unique, names
 * as bytes.  A path that is gone keeps its row (gone, with its last signature)
 * until every handler knows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/sig.h"
#include "state/state.h"

struct node {
	int64_t id;
	int64_t parent; /* 0: a root, whose name is its absolute path */
	struct sig sig; /* of a gone node: its last one */
	bool gone;
	int64_t origin; /* the node this one was renamed from; 0: none */
	bool unsure;	/* was delivered with stamps too young to be trusted */
};

struct node_row {
	int64_t id;
	/* sig_hash of what was seen; 0 where that is not enough to know: the path is
	   gone or unsure, or an older version has written the row. */
	int64_t mark;
};

/* The row of a root, made where missing. */
int64_t node_root(struct state *, const char *path);
/* Does (parent, name) have a row? */
bool node_find(struct state *, int64_t parent, const void *name, size_t, struct node *);
bool node_get(struct state *, int64_t id, struct node *);
/*
 * The same from memory, of a file that was met lately (recent.h): true where it is
 * there, and its mark is not 0.  To be checked when the row is written.
 */
bool node_recall(
    struct state *, int64_t parent, const void *name, size_t, struct node_row *);
/* A page has shown a file's row, with a mark that is not 0. */
void node_remember(
    struct state *, const struct node_row *, int64_t parent, const void *name, size_t);
/* Inserts (id is filled) or updates sig, gone, unsure, origin by id. */
void node_insert(struct state *, struct node *, const void *name, size_t);
void node_update(struct state *, const struct node *);
/* The same where it was before, and that is in the row: what does not differ is not
   written, nor the indices of it. */
void node_update_from(struct state *, const struct node *before, const struct node *);
/* The same of a file that was recalled, and was written to.  false: the row is
   another one, or cannot be written; nothing was. */
bool node_restamp(struct state *, int64_t id, const struct sig *);
/* May its stamps tell less than happened to it (settle.h)?  Nothing else is written. */
void node_set_unsure(struct state *, struct node *, bool unsure);
void node_delete(struct state *, int64_t id);
bool node_has_children(struct state *, int64_t id);
/* Another node of this parent and name: what a rename does to a row. */
void node_relink(struct state *, int64_t id, int64_t parent, const void *name, size_t);

/*
 * The id of the directory at path below root ("" is the root), or 0.  Where
 * make is set, missing directories get rows that were never looked at.
 */
int64_t node_resolve(struct state *, int64_t root, const char *path, size_t, bool make);
/* Splits path, resolves its directory, finds the last component. */
bool node_lookup(struct state *, int64_t root, const char *path, size_t, struct node *);
/* Puts a row's name before the path that begins below it, and returns its parent; 0: it
   is a root's, or there is none. */
int64_t node_prepend(struct state *, int64_t id, struct buf *path);
/* The node's path below its root, and the root's id; 0 where it is below none. */
int64_t node_path(struct state *, int64_t id, struct buf *out);

/* A page of a directory's rows by name, so that no cursor stays open. */
struct node_page {
	struct node_row *rows; /* with names at name_at[i] in names */
	size_t *name_at;
	size_t n, cap;
	struct buf names;
	bool more;
};
#define NODE_PAGE 256
void node_page_read(struct state *, int64_t dir, const void *after, size_t len,
    bool first, struct node_page *);
const char *node_page_name(const struct node_page *, size_t i, size_t *len);
void node_page_release(struct node_page *);

/* Ids of nodes with this inode, at most max of them; returns how many. */
size_t node_by_inode(struct state *, uint64_t ino, int64_t *ids, size_t max);
/* Ids of nodes that are unsure, above after, in order. */
size_t node_unsure(struct state *, int64_t after, int64_t *ids, size_t max);
int64_t node_count_files(struct state *);

#endif
