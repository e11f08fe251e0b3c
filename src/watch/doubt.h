/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_DOUBT_H
#define FILEMON_WATCH_DOUBT_H

/*
 * What fanotify's merging may have got wrong.  An event is merged into one
 * that is still in the queue and is about the same file under the same name,
 * and so comes before renames that it came after: made as x, renamed to y and
 * back, removed reads as made and removed, renamed to y, renamed to x.
 *
 * So a name that was met before for the same file is looked at when it is said
 * to be renamed; where the file is not where it should be, or the directory is
 * not where the table has it, so that nobody can say, the name is in doubt.
 * What comes next for the name may explain that; if nothing does until the
 * queue is empty, the directory is dirty and listed.
 *
 * What this does not see: only what one process does is merged, so a hard link
 * made, removed by another process and made again reads as made and removed.
 * That is left to the next scan.
 */

#include <stdbool.h>
#include <stdint.h>

#include "watch/place.h"

#define DOUBT_NAMES 16

struct fm_watch;
struct handle;

struct doubt {
	uint64_t met[64]; /* bits by hash, since the queue was empty */
	struct doubt_name {
		struct place at;
		uint64_t object; /* hash of its handle */
		bool there;	 /* as it was told */
	} names[DOUBT_NAMES];
	unsigned n;
	bool any; /* bits */
};

/* Was the name met for the file?  From now on it was. */
bool doubt_meet(struct doubt *, uint64_t dir_hash, const char *name, size_t len,
    uint64_t object_hash);
/* The name was told to be there, or not: is that so for the file? */
void doubt_look(
    struct fm_watch *, const struct place *, const struct handle *object, bool there);
/* Something else is told about the name, of object; comes: it is there then. */
void doubt_explained(
    struct doubt *, const struct place *, const struct handle *object, bool comes);
/* The queue is empty. */
void doubt_settle(struct fm_watch *);
/* A directory is about to be forgotten: nothing here may name it. */
void doubt_forget(struct doubt *, uint32_t dir);

#endif
