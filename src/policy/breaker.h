/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_BREAKER_H
#define FILEMON_POLICY_BREAKER_H

/*
 * A handler's circuit breaker.  Closed: jobs run.  Open: none runs, paths stay
 * pending and burn no attempts, until the cool-down is over.  Half open: one
 * job probes; done or rejected (the handler works) closes, anything else opens
 * again with twice the cool-down, at most BREAKER_COOLDOWN_MAX_MS.  It opens
 * at a fault at once, and at N consecutive failures of different paths: a path
 * that has failed since the last success counts once, as long as it is among the
 * last BREAKER_PATHS of them.  Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/retry.h"

#define BREAKER_COOLDOWN_MAX_MS (10 * 60 * 1000)
#define BREAKER_PATHS 32

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
	enum breaker_state state;
	int64_t failures;	      /* consecutive, each path once */
	int64_t paths[BREAKER_PATHS]; /* numbers for the last of these paths */
	int64_t cooldown_ms;	      /* the present one */
	int64_t until_ms;	      /* open until */
	uint64_t opened;	      /* how often */
};

struct breaker_limits {
	int64_t failures; /* 0: only faults open it */
	int64_t cooldown_ms;
};

void breaker_init(struct breaker *);
/* May a job start now?  In state open past its time it becomes half open and
   says true once (running is the number of jobs now running). */
bool breaker_allows(struct breaker *, int64_t now_ms, int64_t running);
/* When breaker_allows may change its answer by time alone; -1 never. */
int64_t breaker_due(const struct breaker *);
/* A run ended.  True where this opened the breaker. */
bool breaker_note(struct breaker *, const struct breaker_limits *, enum outcome,
    int64_t path, int64_t now_ms);
/* Closes it (filemonctl resume, reload with a new command). */
void breaker_reset(struct breaker *);
const char *breaker_state_name(enum breaker_state);

#endif
