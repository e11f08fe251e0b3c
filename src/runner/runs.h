/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_RUNS_H
#define FILEMON_RUNNER_RUNS_H

/*
 * The runs that the watcher asks for.  One is begun at once where its handler has a
 * slot, else it is kept in hand (hand.h) and begun the moment a slot is free.  Each
 * gets one answer, a WIRE_ENDED: how it ended, why it could not be begun, or that
 * it was cut.  What was never begun is cut: that is no attempt.
 */

#include <stdbool.h>
#include <stdint.h>

struct job_result;
struct jobs;
struct orders;
struct wire_msg;

struct runs;

struct runs_hooks {
	/* may_wait: nobody waits for this answer but the books. */
	void (*answer)(void *ctx, const struct wire_msg *, bool may_wait);
	void *ctx;
};

/* jobs must outlive it. */
struct runs *runs_new(struct jobs *, const struct runs_hooks *);
void runs_free(struct runs *);

/* What is run from now on; stays the caller's.  What is in hand is cut. */
void runs_configure(struct runs *, struct orders *);
/* A WIRE_RUN. */
void runs_ask(struct runs *, const struct wire_msg *);
/* A WIRE_PACK: it needs no slot. */
void runs_pack(struct runs *, const struct wire_msg *);
/* It is cut where it was not begun. */
void runs_drop(struct runs *, uint64_t id);
/* Of every job that jobs.h tells of. */
void runs_ended(struct runs *, const struct job_result *);
/* Nothing is begun any more. */
void runs_stop(struct runs *);

#endif
