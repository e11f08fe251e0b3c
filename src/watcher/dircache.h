/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_DIRCACHE_H
#define FILEMON_WATCHER_DIRCACHE_H

/*
 * The rows of directories that were looked up lately, by path, so that a burst
 * of changes asks state.db for each file only.  Bounded and lossy: a path has a
 * few slots where it may be, and takes the place of another when all are
 * taken; a long path is not kept.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dircache_entry {
	int64_t id;
	bool present; /* the row says: a directory that is there */
	int64_t mark; /* of the row, as a listing has just shown it; 0: not known */
	size_t len;
	char path[];
};

#define DIRCACHE_SLOTS 1024
#define DIRCACHE_PATH_MAX 256

struct dircache {
	struct dircache_entry *slots[DIRCACHE_SLOTS];
	uint16_t by_id[DIRCACHE_SLOTS]; /* where the last of these ids went */
	unsigned turn;			/* which of the few goes next */
};

/* The entry may be changed; good until the next call.  NULL: not there. */
struct dircache_entry *dircache_find(struct dircache *, const char *path, size_t len);
/* The same by its row; one that is there may not be found. */
const struct dircache_entry *dircache_by_id(const struct dircache *, int64_t id);
/* NULL where it is not kept. */
struct dircache_entry *dircache_put(
    struct dircache *, const char *path, size_t len, int64_t id);
void dircache_drop(struct dircache *, int64_t id);
void dircache_clear(struct dircache *);

#endif
