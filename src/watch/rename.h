/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_RENAME_H
#define FILEMON_WATCH_RENAME_H

/*
 * Pairs IN_MOVED_FROM with IN_MOVED_TO by their cookie.  The halves are
 * neither adjacent nor atomic, and the second may never come: a first half is
 * held for rename_wait_ms, then it is a deletion.  A directory whose half is
 * held is detached from the table; what happens in it meanwhile cannot be
 * told, so it is listed again if it finds a place.  Past RENAME_HALVES the
 * oldest is not waited for any longer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "watch/notice.h"
#include "watch/relink.h"

#define RENAME_HALVES 32
#define RENAME_ARRIVALS 8

#define UNWANTED_MAX 512 /* bytes of a path; a longer one is not told */

/* The last first half that was not wanted: most often its second follows. */
struct unwanted {
	uint32_t cookie; /* 0: none */
	size_t len;
	char path[UNWANTED_MAX];
};

struct rename {
	struct half halves[RENAME_HALVES]; /* oldest first */
	unsigned held;
	uint64_t read; /* fm_watch.read_bytes when the last of them came */
	struct unwanted unwanted;
	struct place arrivals[RENAME_ARRIVALS]; /* the last ones without a first half */
	unsigned next;				/* the oldest of them */
};

void rename_from(struct fm_watch *, uint32_t dir, const struct notice *);
void rename_to(struct fm_watch *, uint32_t dir, const struct notice *);
/* Something happened to the name: another half held for it goes first. */
void rename_flush_place(struct fm_watch *, uint32_t dir, const struct notice *);
void rename_flush_all(struct fm_watch *);
void rename_tick(struct fm_watch *, int64_t now);
/* Is the second half what is to be read next, perhaps? */
bool rename_is_cut(const struct fm_watch *);
/* When rename_tick has something to do; -1 never. */
int64_t rename_due(const struct fm_watch *);
/* Something below top, which is detached, could not be told or listed. */
void rename_missed(struct fm_watch *, uint32_t top);
/* A directory is about to be forgotten: no half may name it. */
void rename_forget(struct fm_watch *, uint32_t dir);

#endif
