/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_LIMIT_H
#define FILEMON_POLICY_LIMIT_H

/*
 * How many records may go to the event log in a second, in all and for one
 * path: token buckets that hold a second's worth.  What is over is dropped and
 * counted, and told by `limited` records, at most once in LIMIT_REPORT_MS: one
 * for each path that had its own limit exceeded, one for all others.
 *
 * Constant memory: LIMIT_FILES paths at a time have a bucket; one that was not
 * used for longest gives its place.  Where all places that a path may have are
 * of paths with drops to tell of, it has no limit of its own until they are
 * told.  Pure: `now` is given.
 */

#include <stdbool.h>
#include <stdint.h>

#include "eventlog/event.h"

#define LIMIT_FILES 256
#define LIMIT_REPORT_MS 1000

struct limit;

struct limit_rates {
	int64_t per_second; /* 0: any number */
	int64_t per_file;
};

typedef void (*limit_report_cb)(void *ctx, const struct event *ev);

struct limit *limit_new(const struct limit_rates *);
void limit_free(struct limit *);
/* May the record pass?  Else it is counted. */
bool limit_pass(struct limit *, const struct event *, int64_t now_ms);
/* When limit_report has something to tell; -1: never. */
int64_t limit_due(const struct limit *);
/* Tells what was dropped since the last report. */
void limit_report(struct limit *, limit_report_cb, void *ctx);
/* Dropped, ever. */
uint64_t limit_dropped(const struct limit *);

#endif
