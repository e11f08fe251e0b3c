/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_RELINK_H
#define FILEMON_WATCH_RELINK_H

/*
 * A rename within the tree: tells it and puts the directory in its new place.
 * A directory pushed out of its place by a rename onto it is kept aside for a
 * second: a RENAME_EXCHANGE comes as two renames, and the second brings it
 * back.  Where the table may be wrong after that, FM_DIRTY is told and the
 * directories are listed again with all below, which mends it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/notice.h"

#define RELINK_ASIDE 16

struct place {
	uint32_t dir; /* DIRTAB_NONE: none */
	uint8_t len;
	char name[255];
};

struct half {
	struct place from;
	uint32_t cookie;
	uint32_t node; /* DIRTAB_NONE: a file, or a directory not known */
	int64_t due;
	bool is_dir, missed;
	bool exchanged; /* perhaps: something had just come to its name */
};

struct aside {
	uint32_t node;
	int64_t due;
	struct place at; /* where it was */
};

struct relink {
	struct aside aside[RELINK_ASIDE]; /* oldest first */
	unsigned put_aside;
	struct place last_from, last_to; /* of the last pair */
	uint32_t last_cookie;
	bool last_is_dir;
};

struct place place_of(uint32_t dir, const char *name, size_t len);
bool place_is_same(const struct place *, const struct place *);
/* The directory the table has there; DIRTAB_NONE. */
uint32_t place_node(const struct fm_watch *, const struct place *);
void place_forget(struct place *, uint32_t dir);

/* w->path is the new path, the half's directory is below the root. */
void relink_pair(
    struct fm_watch *, uint32_t dir, const struct notice *, const struct half *);
/* No exchange can begin with the last pair. */
void relink_forget_last(struct relink *);
void relink_touched(struct fm_watch *, const struct place *);
/* Forgets what was put aside and is due by now. */
void relink_drop(struct fm_watch *, int64_t now);
int64_t relink_due(const struct fm_watch *);
/* A directory is about to be forgotten: nothing here may name it. */
void relink_forget(struct fm_watch *, uint32_t dir);

#endif
