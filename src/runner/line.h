/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_LINE_H
#define FILEMON_RUNNER_LINE_H

/*
 * Records in a segment of the event log, found by a place in its plain text.
 * Only the text around the place is read.  A line that is no record is passed
 * over; one longer than a mebibyte is not found.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct line {
	off_t begin, end; /* end is behind its newline */
	uint64_t seq;
	int64_t wall_ns;
};

/* The first record that begins at from or later; its newline must be there. */
bool line_from(int fd, off_t from, struct line *);
/* The last record that ends at end or before. */
bool line_before(int fd, off_t end, struct line *);
/* Where the first record after seq begins; the end where there is none. */
off_t line_find_after(int fd, uint64_t seq);

#endif
