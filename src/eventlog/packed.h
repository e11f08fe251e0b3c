/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_PACKED_H
#define FILEMON_EVENTLOG_PACKED_H

/*
 * The form of a compressed segment: zstd frames, each of whole lines, and a
 * seek table in a skippable frame at the end (zstd's "seekable format", without
 * checksums: frames have their own), so that zstdcat(1) reads it and we read
 * from the middle.  Here is the table alone, which needs no zstd.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* A frame is closed after the line that reaches this. */
#define PACKED_FRAME (256 * 1024)
/* ... and has at most this: a line has a limit for every reader. */
#define PACKED_FRAME_MAX (32 * 1024 * 1024)

struct packed_frame {
	off_t at, plain_at; /* where it begins, in the file and in the plain text */
	uint32_t size, plain_size;
};

struct packed {
	struct packed_frame *v;
	size_t n;
	off_t plain_size; /* of all */
};

void packed_add(struct packed *, uint32_t size, uint32_t plain_size);
/* The skippable frame. */
void packed_encode(const struct packed *, struct buf *out);
/* Reads the table of a file of that size; -1 with errno, EBADMSG: it is damaged. */
int packed_read(int fd, off_t size, struct packed *);
/* The frame that has this byte of the plain text; NULL: behind the end. */
const struct packed_frame *packed_find(const struct packed *, off_t plain_at);
void packed_release(struct packed *);

#endif
