/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_ACK_H
#define FILEMON_RUNNER_ACK_H

/*
 * What a sink says: lines of "ack SEQ", and nothing else.  Reads them however
 * they are cut into pieces, in constant memory.
 */

#include <stddef.h>
#include <stdint.h>

#define ACK_LINE_MAX 40

struct ack {
	char line[ACK_LINE_MAX + 1]; /* the line that has begun, or the one at fault */
	size_t len;
};

void ack_init(struct ack *);
/*
 * 1 with the highest number in *seq, 0 where no line has ended, -1 where a line
 * is something else: it stands in line, cut.
 */
int ack_feed(struct ack *, const char *p, size_t n, uint64_t *seq);

#endif
