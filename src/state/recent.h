/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_RECENT_H
#define FILEMON_STATE_RECENT_H

/*
 * What the rows of files say that were met lately, by directory and name, so
 * that one that is written to again is known without a look into state.db.
 * Only of files that are there, and whose signature is sure.  Bounded and lossy:
 * a file takes the place of another, and is forgotten with the next change of
 * its row that leaves it in doubt.  Two names may have one key, if hardly ever:
 * what follows from an answer is to be checked when the row is written.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_FILES 2048
#define RECENT_WAYS 4 /* slots where a key may be */
#define RECENT_SLOTS (2 * RECENT_FILES)

struct recent_file {
	int64_t id; /* of the row; 0: no file */
	uint64_t key;
	int64_t sig; /* sig_hash */
};

struct recent {
	struct recent_file files[RECENT_FILES]; /* by id */
	uint16_t slots[RECENT_SLOTS];		/* by key: where it may be in files */
};

uint64_t recent_key(int64_t parent, const void *name, size_t len);
void recent_put(struct recent *, const struct recent_file *);
/* NULL: it is not known.  Good until the next call. */
const struct recent_file *recent_find(const struct recent *, uint64_t key);
/* The row has another signature now; nothing where it is not here. */
void recent_update(struct recent *, int64_t id, int64_t sig);
void recent_drop(struct recent *, int64_t id);
void recent_clear(struct recent *);

#endif
