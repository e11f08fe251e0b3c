/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_LISTING_H
#define FILEMON_WATCH_LISTING_H

/*
 * The directory that is being listed, and the going on with it.  Its names are
 * read after its watch was added, and told in slices; of a large one the reading
 * takes several, too.  Renamed or removed meanwhile, it is told as failed; renamed,
 * it is listed again from the start under its new name.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "watch/dirnames.h"
#include "watch/path.h"

struct listing {
	int fd;		/* -1: none is being listed */
	uint32_t dir;	/* DIRTAB_NONE: removed meanwhile */
	unsigned flags; /* enum fm_scan and DIR_RECURSE */
	bool begun;	/* LIST_BEGIN was told */
	bool postponed; /* it was, perhaps, until this began (backlog.h) */
	bool failed;	/* the last one of it */
	uint32_t last;	/* that was queued to be listed next; DIRTAB_NONE: none */
	uint64_t until; /* events up to here repeat what is told (fresh.h) */
	struct stat st; /* of it, when it was opened */
	struct path path;
	char *told; /* relative path as it was told at LIST_BEGIN */
	size_t told_len, told_cap;
	uint64_t version; /* of the table when told was last seen to be right */
	struct dirnames names;
};

void listing_init(struct listing *);
/* Tells at most max entries, begins at most one directory. */
void listing_step(struct fm_watch *, unsigned max);
/* Ends the one being listed, if any, with FM_LIST_FAILED. */
void listing_abort(struct fm_watch *, int error);
void listing_release(struct listing *);
size_t listing_memory(const struct listing *);

#endif
