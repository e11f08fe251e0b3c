/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_RELINK_H
#define FILEMON_WATCH_RELINK_H

/*
 * A rename within the tree: tells it and puts the directory in its new place.
 * A directory pushed out of its place by a rename onto it is kept aside for a
 * second: a RENAME_EXCHANGE comes as two renames, and the second brings it
 * back.  Where the table may be wrong after that, FM_DIRTY is told and the
 * directories are listed again with all below, which mends it; whether it is shows
 * a system call for each directory renamed, whatever is below.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/notice.h"
#include "watch/pairs.h"
#include "watch/place.h"

#define RELINK_ASIDE 16

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
	struct pairs pairs; /* the second half of an exchange may be to come */
};

/* w->path is the new path, the half's directory is below the root. */
void relink_pair(
    struct fm_watch *, uint32_t dir, const struct notice *, const struct half *);
/* Does the path that the table has for dir still lead there? */
bool relink_is_in_place(struct fm_watch *, uint32_t dir);
/* Forgets what was put aside and is due by now. */
void relink_drop(struct fm_watch *, int64_t now);
int64_t relink_due(const struct fm_watch *);
/* A directory is about to be forgotten: nothing here may name it. */
void relink_forget(struct fm_watch *, uint32_t dir);

#endif
