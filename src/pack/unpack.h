/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_PACK_UNPACK_H
#define FILEMON_PACK_UNPACK_H

#include <stdint.h>

struct unpack_range {
	uint64_t first;	     /* names the segment */
	uint64_t from, next; /* wanted: from, up to the one before next */
};

/*
 * Writes the plain text of a segment, from a line at or not far before the first
 * record that is wanted, to its end.  What is damaged is left out, a frame at a
 * time.
 *
 * 0: all; 1: without *lost of the records that are wanted; -1 with errno.
 */
int unpack_segment(const char *dir, const struct unpack_range *, int out, uint64_t *lost);

#endif
