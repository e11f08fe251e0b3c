/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SEARCH_H
#define FILEMON_CTL_SEARCH_H

/*
 * Finds a place in one segment of the event log by its lines: by halving, where they
 * are in the order of what is looked for, or backwards from the end.  A place is
 * where a line begins.  A torn last line counts for nothing.  Memory is a block and
 * the longest line.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl/segments.h"

struct segfile;

/* What is longer is no line of an event log. */
#define SEARCH_LINE_MAX (16 * 1024 * 1024)

/* What of the log comes before the place that is looked for. */
struct search_order {
	segments_wanted_cb is_before;
	void *ctx;
};

/* Is its first line before? */
bool search_begins_before(struct segfile *, const struct search_order *);
/* The beginning of a line such that all before it are before, and nothing that is
   not is far behind it. */
off_t search_halve(struct segfile *, const struct search_order *);

/* Backwards, over several segments: how many are still to be met, and which. */
struct search_last {
	long left;
	segments_wanted_cb wanted;
	void *ctx;
};

/* Where the last one of them begins; -1 where some are left. */
off_t search_back(struct segfile *, struct search_last *);

#endif
