/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_AUDIT_H
#define FILEMON_CTL_AUDIT_H

/*
 * Checks an event log line by line: that numbers grow by one, but for holes
 * that a gap record explains, and that every chained record has the hash of
 * the one before it (eventlog/chain.h).  Decides alone, in constant memory.
 *
 * What is accepted is in filemon-events(5), "Verification".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eventlog/chain.h"

enum audit_fault {
	AUDIT_OK,
	AUDIT_MISSING,	 /* seq: the first number that is missing */
	AUDIT_BACKWARDS, /* seq: of the record whose number is not above the last */
	AUDIT_CHANGED,	 /* seq: of the record that is not the one that was written */
	AUDIT_UNCHAINED, /* seq: of the record that has no hash, and should */
	AUDIT_NO_RECORD, /* seq: of the record after the line, or 0 at the end */
	AUDIT_FAULTS,
};

struct audit {
	uint64_t records, chained, gaps, lost; /* lost: as gap records tell */
	uint64_t first, last;		       /* numbers */
	char hash[CHAIN_SIZE];		       /* of the last record */
	uint64_t fault_seq;
	uint64_t seen;	   /* number of the record that was looked at last */
	uint64_t expected; /* the number that the log begins with; 0: any */
	bool last_chained;
	uint64_t strange; /* lines since the last record that are none */
};

/* expected: 0 where it is checked from somewhere in the middle. */
void audit_init(struct audit *, uint64_t expected);
/* The next line without its newline.  After a fault nothing more is to be asked. */
enum audit_fault audit_line(struct audit *, const char *line, size_t len);
/* No line follows. */
enum audit_fault audit_end(struct audit *);
/* "missing" ... */
const char *audit_fault_name(enum audit_fault);

#endif
