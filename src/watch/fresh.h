/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_FRESH_H
#define FILEMON_WATCH_FRESH_H

/*
 * Which names were told by the listing of a fresh directory while the kernel's
 * queue may still hold their IN_CREATE.  A name counts until the bytes that
 * were unread when the names were read have been read.  Bounded: what does not
 * fit is told twice without saying so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fresh {
	struct fresh_name *at;
	uint32_t size, used;
	uint64_t until; /* of the last one */
};

/* A name in a directory, for tables where two that are one do no harm; never 0. */
uint64_t fresh_key(int wd, const char *name, size_t len);
void fresh_release(struct fresh *);
void fresh_add(struct fresh *, int wd, const char *name, size_t len, uint64_t until);
/* Was the name told, read_bytes into the queue?  It counts no more after that. */
bool fresh_take(
    struct fresh *, int wd, const char *name, size_t len, uint64_t read_bytes);
/* Frees everything when all has been read. */
void fresh_expire(struct fresh *, uint64_t read_bytes);
size_t fresh_memory(const struct fresh *);

#endif
