/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_SUMS_H
#define FILEMON_STATE_SUMS_H

/*
 * What is known of the content of files: a row of state.db for each path whose
 * content was asked for.  It holds for one signature only; where the path has
 * another by now, nothing is known.  A row that is wanted is due to be asked
 * for, so that a record of the event log can be completed: this is the queue,
 * and it survives a restart.  A row goes with its node.
 */

#include <stdbool.h>
#include <stdint.h>

#include "state/state.h"
#include "wire/content.h"

struct sum {
	int64_t node;
	int64_t sig; /* sig_hash of what was read; 0: nothing yet */
	enum content_state state;
	bool known; /* raw holds the checksum (CONTENT_READ) */
	unsigned char raw[CONTENT_SUM_RAW];
	int32_t entropy; /* as in struct content */
	uint64_t seq;	 /* of the record to be completed */
	bool wanted;
	int64_t due, since; /* CLOCK_MONOTONIC ms, if wanted */
	int64_t attempts;
};

/* false: no row, and the sum is that of a path nobody asked about. */
bool sums_get(struct state *, int64_t node, struct sum *);
void sums_put(struct state *, const struct sum *);
/* The next one that is wanted and due. */
bool sums_next(struct state *, int64_t now, struct sum *);
/* When the next is due; -1: none. */
int64_t sums_next_due(struct state *);
int64_t sums_count_wanted(struct state *);
/* At a start: what was being asked is due, and so is who waited for it. */
void sums_restart(struct state *, int64_t now);
/* Nothing is wanted any more. */
void sums_drop_wanted(struct state *);

#endif
