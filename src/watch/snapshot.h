/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_SNAPSHOT_H
#define FILEMON_WATCH_SNAPSHOT_H

/*
 * A table of directories with their watches as bytes, for the process that
 * goes on with the kernel's queue: a head, then the directories, each after
 * the one that it is in.  Native byte order: it never leaves the machine.
 *
 * Reading trusts nothing: a sum over everything, every number and name
 * checked, no watch and no name twice, no byte too many.  What was written by
 * another version of this form, or for other notifications, is refused.
 *
 * Pure: no system calls.
 */

#include <stddef.h>
#include <stdint.h>

#include "watch/dirtab.h"

/* The root whose directories these are. */
struct snapshot_root {
	uint64_t dev, ino;
	uint32_t mask; /* which notifications the watches ask for */
};

/*
 * -1 with ENOTSUP where the table has what a snapshot cannot tell (polled,
 * failed, detached or queued directories), with ENOMEM.  The caller frees.
 */
int snapshot_write(
    const struct dirtab *, const struct snapshot_root *, void **data, size_t *len);
/*
 * Fills a table that was just initialised; a directory has the number of its
 * place in data.  -1 with EBADMSG, ESTALE for another root or other
 * notifications, or ENOMEM; the table can then only be released.
 */
int snapshot_read(
    struct dirtab *, const struct snapshot_root *, const void *data, size_t len);
/* Gives data its right sum again; for tests. */
void snapshot_seal(void *data, size_t len);

#endif
