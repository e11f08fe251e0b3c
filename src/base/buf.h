/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_BUF_H
#define FILEMON_BASE_BUF_H

/*
 * Growable bytes.  p is always NUL-terminated once something was added (the
 * NUL is not counted in len).  Reuse one by buf_reset: it keeps its memory.
 * A buf has no bound of its own; who fills it from outside checks len first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct buf {
	char *p;
	size_t len;
	size_t cap;
};

#define BUF_INIT \
	{ \
		NULL, 0, 0 \
	}

void buf_release(struct buf *);
void buf_reset(struct buf *);
/* As buf_reset, and gives memory above keep bytes back. */
void buf_shrink(struct buf *, size_t keep);
void buf_reserve(struct buf *, size_t more);
void buf_add(struct buf *, const void *, size_t);
void buf_adds(struct buf *, const char *);
void buf_addc(struct buf *, char);
void buf_addf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_addi(struct buf *, int64_t); /* decimal, faster than buf_addf */
/* Puts bytes before what is there. */
void buf_insert(struct buf *, const void *, size_t);
/* Drops the first n bytes. */
void buf_consume(struct buf *, size_t n);
/* Cuts to len bytes. */
void buf_truncate(struct buf *, size_t len);

/*
 * Adds s as a JSON string with its quotes (RFC 8259): control characters
 * escaped, every byte that is not valid UTF-8 shown as U+FFFD.  Returns false
 * where something had to be replaced, so the caller can carry the exact bytes
 * by buf_add_base64.
 */
bool buf_add_json(struct buf *, const void *s, size_t n);
/* ,"name":"s" with s as above: a further member of an object. */
bool buf_add_member(struct buf *, const char *name, const void *s, size_t n);
/* Adds standard base64 with padding (RFC 4648), no quotes. */
void buf_add_base64(struct buf *, const void *, size_t n);
/* Replaces what is there by what text stands for; false where it is not base64. */
bool buf_decode_base64(struct buf *, const char *text);
/* Bytes of the well-formed UTF-8 character that s begins with; 0: it does not. */
size_t buf_utf8(const void *s, size_t n);

#endif
