/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_RETENTION_H
#define FILEMON_EVENTLOG_RETENTION_H

/*
 * Which segments of the event log go, and which is to be compressed.  Decides
 * alone.  The last segment with a record in it, and what comes after it, is
 * being written, or tells where to go on after a restart: it is never touched.
 * A record from floor on is still needed by a sink: its segment stays, and
 * stays as it is, unless the hard cap has it go.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETENTION_NO_FLOOR UINT64_MAX

struct kept {
	uint64_t first;	 /* number of its first record */
	unsigned forms;	 /* of enum name_form */
	int64_t bytes;	 /* on disk; 0: it has no record */
	int64_t last_ns; /* wall clock, of its last record */
};

struct retention {
	int64_t bytes, age_ms, count, hard_cap; /* 0: no limit */
	bool pack;
	uint64_t pack_from; /* those that begin before it could not be compressed */
	uint64_t floor;	    /* the lowest number still needed, or RETENTION_NO_FLOOR */
	uint64_t busy;	    /* the segment that is being compressed stays; 0: none */
};

struct retention_plan {
	size_t drop;   /* so many from the start */
	uint64_t lost; /* records among them that were still needed */
	bool held;     /* more is to be done, but not now */
	bool pack;     /* there is one to be compressed: */
	uint64_t pack_first;
	bool passed; /* there is none but those that were tried */
};

/* v is in the order of first. */
void retention_decide(const struct retention *, const struct kept *v, size_t n,
    int64_t wall_ns, struct retention_plan *);

#endif
