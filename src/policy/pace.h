/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_PACE_H
#define FILEMON_POLICY_PACE_H

/*
 * How often the kernel's queue is read.  A few changes are told at once.  In a
 * storm notifications gather for a moment first, so that many share one turn of
 * the loop, and what repeats within a bufferful is looked at once.  The moment is
 * short: what comes meanwhile is a small part of the kernel's queue.
 *
 * Pure.
 */

#include <stdint.h>

#define PACE_READS 4	       /* within a moment, at once */
#define PACE_MOMENT_NS 2000000 /* 2 ms */

struct pace {
	int64_t since; /* the moment's first read */
	unsigned reads;
};

/* The queue was read until it was empty: when to read next; 0: at once. */
int64_t pace_next_ns(struct pace *, int64_t now_ns);

#endif
