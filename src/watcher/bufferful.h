/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_BUFFERFUL_H
#define FILEMON_WATCHER_BUFFERFUL_H

/*
 * What was looked at while one bufferful of notifications is gone through.  All of
 * them are older than any look that is taken meanwhile, so that one look a path is
 * enough; a table that is full only costs more of them.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filemon/watch.h"

#define BUFFERFUL_SLOTS 4096 /* a power of two */

struct bufferful {
	uint64_t slots[BUFFERFUL_SLOTS];     /* hashes; 0: free */
	uint16_t taken[BUFFERFUL_SLOTS / 2]; /* the slots that are not */
	size_t n;
};

/* For the next one, and where what was seen holds no more (a directory moved). */
void bufferful_forget(struct bufferful *);
/*
 * Does the notification of a path below this root say no more than those before it?
 * looks: each that does not is followed by a look; else they are believed as they are.
 */
bool bufferful_repeats(
    struct bufferful *, uint32_t root, const struct fm_event *, bool looks);

#endif
