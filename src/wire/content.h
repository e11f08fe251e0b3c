/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WIRE_CONTENT_H
#define FILEMON_WIRE_CONTENT_H

/*
 * What a file holds: the answer to a request to read it once, and the lines
 * that runner and filemon-hash(8) exchange for it.  A request is
 *
 *	ID MAX ROOT PATH
 *
 * (decimal; the most bytes to read; an absolute directory and a path below it,
 * both in base64), and its answer
 *
 *	ID STATE SIZE INODE MTIME CTIME ENTROPY CHECKSUM
 *
 * (size and stamps, in ns, as they were before the file was read; ENTROPY -1
 * and CHECKSUM "-" where there are none).  A line that is not just like that is
 * refused as a whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum content_state {
	CONTENT_READ,	     /* whole, and nothing of it changed meanwhile */
	CONTENT_CHANGED,     /* it changed while it was read: no checksum */
	CONTENT_TOO_LARGE,   /* only samples were read: no checksum */
	CONTENT_NO_FILE,     /* gone, or not a regular file; never opened */
	CONTENT_UNREADABLE,  /* permission, I/O error */
	CONTENT_CRASHED,     /* the helper ended while it read this file */
	CONTENT_UNAVAILABLE, /* there is no helper, or it is too busy; try later */
	CONTENT_STATE_MAX,
};

struct content {
	enum content_state state;
	int64_t size;
	uint64_t ino; /* 0: not looked at */
	int64_t mtime_ns, ctime_ns;
	int32_t entropy; /* of samples: 1/1000 bit a byte, to 8000; -1: none */
	const char *sum; /* "sha256:" and 64 hex digits; "" where there is none */
};

#define CONTENT_SUM_SIZE 72 /* of sum as text, with its NUL */

/* "read", "changed-while-read" ... */
const char *content_state_name(enum content_state);
/* Is text a checksum as above, or ""? */
bool content_sum_ok(const char *text);
#define CONTENT_SUM_RAW 32 /* the bytes that the text stands for */
/* false where text is "" (or no checksum at all). */
bool content_sum_raw(const char *text, unsigned char raw[CONTENT_SUM_RAW]);
void content_sum_text(
    const unsigned char raw[CONTENT_SUM_RAW], char text[CONTENT_SUM_SIZE]);

struct content_request {
	uint64_t id;
	int64_t max; /* bytes; a larger file is sampled only */
	const char *root, *path;
};

#define CONTENT_REQUEST_MAX (256 * 1024)
#define CONTENT_ANSWER_MAX 512

/* Without the newline; false where it would be longer than CONTENT_REQUEST_MAX. */
bool content_put_request(struct buf *, const struct content_request *);
void content_put_answer(struct buf *, uint64_t id, const struct content *);
/* root and path point into store, which keeps both; false: malformed. */
bool content_get_request(char *line, struct content_request *, struct buf store[2]);
/* sum points into line, which is cut up. */
bool content_get_answer(char *line, uint64_t *id, struct content *);

#endif
