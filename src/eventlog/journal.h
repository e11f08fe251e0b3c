/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_JOURNAL_H
#define FILEMON_EVENTLOG_JOURNAL_H

/*
 * The segments as they are written: one is appended to until it has reached
 * its size or its age, then the next record begins a new one.  What waits to
 * be written is an outlet's, with its bound and its losses.  With a chain every
 * record carries the hash of the one that was accepted before it, be that
 * chained or not: where the chain is switched on it goes on from there.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "eventlog/outlet.h"
#include "eventlog/segment.h"

#define JOURNAL_SIZE_DEFAULT (64 * 1024 * 1024)

struct journal_limits {
	int64_t size;	/* 0: JOURNAL_SIZE_DEFAULT */
	int64_t age_ms; /* 0: none */
	bool chain;
};

struct journal {
	char *dir; /* NULL: there is none */
	int dirfd;
	struct outlet outlet;
	struct journal_limits limits;
	uint64_t begun;	       /* segments, since the start */
	uint64_t base;	       /* outlet.written when the present one had 0 bytes */
	int64_t born_ns;       /* of the present one, wall clock */
	char hash[CHAIN_SIZE]; /* of the last record accepted, but for: */
	struct buf last;       /* without a chain, that record; empty: none yet */
};

void journal_init(struct journal *, const char *dir, const struct journal_limits *);
/* Goes on where the log ends; -1 with errno.  What end says is for the caller. */
int journal_open(struct journal *, struct segment_end *end);
void journal_release(struct journal *);
void journal_limit(struct journal *, const struct journal_limits *);
/* Puts the hash of the record before into line, a record with its newline. */
void journal_link(const struct journal *, struct buf *line);
/* Takes it; false: it is lost (outlet.h). */
bool journal_put(struct journal *, const struct buf *line, uint64_t seq);
/* 0: nothing waits; -1 with errno. */
int journal_write(struct journal *);
/* After a write: ends the segment where it is full or old. */
void journal_turn(struct journal *, int64_t wall_ns);
/* Begins the segment whose first record will be seq, unless the present one is
   empty; what waits has been written. */
int journal_rotate(struct journal *, uint64_t seq);

#endif
