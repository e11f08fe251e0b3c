/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_HANDLES_H
#define FILEMON_WATCH_HANDLES_H

/*
 * A number for each file handle (name_to_handle_at(2)), as inotify gives one
 * for each inode.  A handle holds the inode's generation, so what is made
 * later in the place of a removed inode has another.  Memory: 3 bytes a handle,
 * as many as the longest one has, and a hash slot.
 *
 * Pure: no system calls.  A number stays good until it is dropped, and may be
 * given again.
 */

#include <stddef.h>
#include <stdint.h>

struct handle {
	uint8_t fs;   /* which file system it is of */
	uint8_t type; /* the kernel's types fit, for fanotify has them in a byte */
	uint8_t len;  /* at most 128 (MAX_HANDLE_SZ) */
	const void *bytes;
};

struct handles {
	unsigned char *at; /* entries of stride bytes */
	size_t stride;
	uint32_t made, cap, live, free;
	uint32_t *slots;
	uint32_t n_slots;
};

void handles_release(struct handles *);
/* The number it has, or a new one; -1 with ENOMEM. */
int handles_put(struct handles *, const struct handle *);
int handles_find(const struct handles *, const struct handle *); /* -1: none */
void handles_drop(struct handles *, int number);
size_t handles_memory(const struct handles *);
uint64_t handle_hash(const struct handle *);

#endif
