/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_ALERT_H
#define FILEMON_POLICY_ALERT_H

/*
 * Rules over what happens (alert sections of the configuration).  A rule
 * counts, or takes a measure, over its window; at its threshold it raises an
 * alert, and then none for its cool-down.
 *
 *   event-rate    events, as a multiple of what is usual: the mean of the windows
 *                 before, each one half as heavy as the next.  Not in the
 *                 first window, and not below ALERT_RATE_MIN events
 *   mass-delete   files that were deleted
 *   mass-rename   files that were renamed to another extension
 *   high-entropy  files that were written anew with what looks random
 *                 (encrypted, compressed): ALERT_ENTROPY bits a byte
 *   latency       ms from a change to its record
 *   queue-age     ms that the oldest pending path has been pending
 *
 * Constant memory: a window is ALERT_CELLS counts.  Pure: `now` is given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/config.h"
#include "eventlog/event.h"

#define ALERT_CELLS 16
#define ALERT_RATE_MIN 100
#define ALERT_ENTROPY 7.2

struct alerts;

/* What a rule has raised: name, rule, value, threshold are set. */
typedef void (*alert_raise_cb)(void *ctx, const struct event *);

struct alert_state {
	const char *name, *rule;
	int64_t value, threshold; /* value: of the last alert */
	uint64_t raised;
	int64_t raised_ms; /* of the last; -1: never */
};

/* The sections stay the caller's, and stay. */
struct alerts *alerts_new(
    const struct alert_config *, size_t n, alert_raise_cb, void *ctx);
void alerts_free(struct alerts *);
/* Each event, as it was seen. */
void alerts_event(struct alerts *, const struct event *, int64_t now_ms);
/* The content of a file that was written has so many bits a byte. */
void alerts_entropy(struct alerts *, double bits, int64_t now_ms);
void alerts_latency(struct alerts *, int64_t ms, int64_t now_ms);
void alerts_queue_age(struct alerts *, int64_t ms, int64_t now_ms);
/* Is there a rule of that kind? */
bool alerts_have(const struct alerts *, enum alert_rule);
const char *alert_rule_name(enum alert_rule);
/* The i-th; false: there is none. */
bool alerts_state(const struct alerts *, size_t i, struct alert_state *);

#endif
