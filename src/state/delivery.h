/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_DELIVERY_H
#define FILEMON_STATE_DELIVERY_H

/*
 * What was last delivered, a row for (handler, node): how sure it is, its
 * signature, and, while it differs from what was seen, when it is due.
 *
 * due is CLOCK_MONOTONIC in ms (a reboot makes everything due), NULL where
 * nothing is pending, STATE_DUE_RUNNING while a job runs, STATE_DUE_BLOCKED
 * while another path goes first (blocked_on).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/body.h"
#include "state/state.h"

enum delivery_state {
	DELIVERY_NO,	  /* the handler has not been told of this path */
	DELIVERY_PERHAPS, /* a run began; whether it took effect is not known */
	DELIVERY_YES,	  /* sig was delivered */
	DELIVERY_SKIPPED, /* sig was there first, and is taken for delivered */
	DELIVERY_STATE_COUNT,
};

struct delivery {
	int64_t handler, node;
	enum delivery_state state;
	int64_t sig;	  /* delivered */
	struct body body; /* of sig, where it is known */
	int64_t tried;	  /* sig of the last run that began; 0: a removal */
	bool pending;
	int64_t due;   /* if pending */
	int64_t since; /* if pending: dirty since */
	int64_t attempts;
	bool dead;
	/* node; itself: its content is being read; until due, where that is a time;
	   0: none */
	int64_t blocked_on;
};

struct delivery_failure {
	const char *command; /* "load" ... */
	const char *outcome; /* "exit 65" */
	const void *output;
	size_t output_len;
	int64_t wall_ns;
};

/* Is d->sig what the handler has, or is taken to have? */
static inline bool
delivery_is_known(const struct delivery *d)
{
	return d->state == DELIVERY_YES || d->state == DELIVERY_SKIPPED;
}

/* false: no row, and d is that of a path never delivered. */
bool delivery_get(struct state *, int64_t handler, int64_t node, struct delivery *);
void delivery_put(struct state *, const struct delivery *);
void delivery_delete(struct state *, int64_t handler, int64_t node);
/* Does any handler have a row for the node? */
bool delivery_any(struct state *, int64_t node);

/* The next due one of a handler, in order of time. */
bool delivery_next(struct state *, int64_t handler, int64_t now, struct delivery *);
/* When the next is due; -1: none. */
int64_t delivery_next_due(struct state *, int64_t handler);
bool delivery_pending(struct state *, int64_t handler);
int64_t delivery_count_pending(struct state *, int64_t handler);
int64_t delivery_count_dead(struct state *, int64_t handler);
int64_t delivery_oldest(struct state *, int64_t handler); /* since; -1: none */

/* Makes what waits for this node due now. */
void delivery_unblock(struct state *, int64_t handler, int64_t node, int64_t now);
/*
 * What this handler has to be told of before dir: a child, or one in directories
 * that are gone and that it need not be told of; 0: none.  Not one whose load failed:
 * that may fail for ever.
 */
int64_t delivery_below(struct state *, int64_t handler, int64_t dir);

void delivery_fail(
    struct state *, int64_t handler, int64_t node, const struct delivery_failure *);
bool delivery_failure_get(struct state *, int64_t handler, int64_t node,
    struct delivery_failure *, struct buf *store);
void delivery_failure_clear(struct state *, int64_t handler, int64_t node);

/* Calls fn for pending (or dead) rows in order of time, at most limit. */
typedef void (*delivery_each_cb)(void *ctx, const struct delivery *);
void delivery_each_pending(
    struct state *, int64_t handler, int64_t limit, delivery_each_cb, void *ctx);
/* At most limit; collected first, so fn may change the rows. */
void delivery_each_dead(
    struct state *, int64_t handler, int64_t limit, delivery_each_cb, void *ctx);

#endif
