/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_BODY_H
#define FILEMON_STATE_BODY_H

/*
 * What was delivered of a file, beyond its signature: its checksum, and what
 * tells one save from another.  It decides whether a new signature is a new
 * state.  Pure.
 *
 *	compare = hash, ignore-metadata	 the same content is the same state
 *	compare = hash			 ... where the file was saved again, and
 *					 mode, owner and links are the same
 *	ignore-metadata			 ... where ctime, mode, owner or links
 *					 alone differ
 *	neither				 it never is
 *
 * Where either checksum is not known it never is: a handler is rather told
 * twice.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "state/sig.h"
#include "wire/content.h"

struct body {
	bool known; /* sum is that of a regular file */
	unsigned char sum[CONTENT_SUM_RAW];
	int64_t shape; /* type, inode, size and mtime as one number */
	int64_t meta;  /* as in struct sig */
};

/* sum NULL: not known. */
void body_set(struct body *, const struct sig *, const unsigned char *sum);
/* Is content to be known before a load? */
bool body_counts(const struct config *);
bool body_is_same(
    const struct config *, const struct body *delivered, const struct body *seen);

#endif
