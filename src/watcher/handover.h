/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_HANDOVER_H
#define FILEMON_WATCHER_HANDOVER_H

/*
 * What a daemon leaves to the one that follows it at a restart: a sealed file
 * in memory with a snapshot of each root's table (filemon/watch.h), and the
 * descriptors that these belong to.  The file begins with what has to be the
 * same for both: who finds another configuration, other rules of what is
 * ignored, another state or another number of roots takes nothing of it, and
 * compares the tree.
 *
 * Pure but for handover_close, _send and _receive.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* With more, the tree is compared. */
#define HANDOVER_ROOTS 64
/* Table and watches. */
#define HANDOVER_FDS (HANDOVER_ROOTS + 1)

struct handover {
	int table; /* -1: nothing is handed over */
	int watches[HANDOVER_ROOTS];
	size_t n_watches;
};

#define HANDOVER_NONE \
	(struct handover) \
	{ \
		.table = -1 \
	}

void handover_close(struct handover *);
/* Over a socket between two processes; -1 with errno. */
int handover_send(int socket, const struct handover *);
/* Never waits; -1 where nothing came. */
int handover_receive(int socket, struct handover *);

struct handover_key {
	uint64_t config; /* digest of the configuration */
	uint64_t rules;	 /* built-in rules of the filter */
	int64_t seq;	 /* the event log's, and what state.db is committed up to */
	/* Goes along, and may differ: when the tree is compared next, on
	   CLOCK_MONOTONIC; -1: never. */
	int64_t rescan_due_ms;
};

struct handover_piece {
	void *data;
	size_t len;
};

void handover_pack(
    struct buf *, const struct handover_key *, const struct handover_piece *, size_t n);
/* The pieces lie in data; NULL, or why nothing is taken. */
const char *handover_unpack(const struct handover_piece *data,
    const struct handover_key *, struct handover_piece *pieces, size_t n);
/* Of what could be unpacked. */
int64_t handover_rescan_due(const struct handover_piece *data);

#endif
