/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_PAIRS_H
#define FILEMON_WATCH_PAIRS_H

/*
 * The last renames within the tree.  RENAME_EXCHANGE comes as two, there and back,
 * and those of others come between, thousands where whoever exchanges is made to
 * wait.  So one is remembered until something else happens to either of its names;
 * past PAIRS_MAX the oldest is forgotten.
 *
 * Pure: no system calls.
 */

#include <stdbool.h>
#include <stdint.h>

#include "watch/place.h"

#define PAIRS_MAX 16

struct pair {
	struct place from, to;
	bool is_dir;
};

struct pairs {
	struct pair at[PAIRS_MAX]; /* oldest first */
	unsigned n;
};

void pairs_add(struct pairs *, const struct pair *);
/* NULL: none that is remembered. */
const struct pair *pairs_find(
    const struct pairs *, const struct place *from, const struct place *to);
void pairs_touched(struct pairs *, const struct place *);
/* The directory that one number stood for has another. */
void pairs_renumber(struct pairs *, uint32_t from, uint32_t to);
/* A directory is about to be forgotten: nothing here may name it. */
void pairs_forget(struct pairs *, uint32_t dir);

#endif
