/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_EVLOG_H
#define FILEMON_EVENTLOG_EVLOG_H

/*
 * The event log: append-only segments <dir>/<first-seq, 20 digits>.ndjson,
 * and, in the foreground, the same records on stdout.  Records are collected
 * during a loop turn and written by evlog_flush with one write(2) each way; one
 * that is in a hurry, as the first after a quiet time is, goes before.
 *
 * What cannot be written (full disk) is kept up to a bound and tried again at
 * the next flush; past the bound the newest records are dropped, counted, and a
 * gap record (cause "log-full") says so when writing works again.  A stdout
 * that does not take everything at once gets the rest when it is writable,
 * up to a bound; past it records are left out there, and a gap record (cause
 * "slow-reader") with their count follows there.  Neither ever blocks.  A gap
 * takes the number of the last record that is missing.  Trouble with the log,
 * and its end, is said once in the trace log.  The process ignores SIGPIPE.
 *
 * The sequence number goes on from the last record on disk; a torn last line
 * (crash) is cut off at opening and reported as a gap (cause "torn-record").
 * A segment that has reached its size or age is followed by a new one.  With
 * option chain each record has the hash of the one before it in the segments
 * (eventlog/chain.h); a gap of stdout alone is not in the chain.
 */

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "eventlog/event.h"

struct evlog;

struct evlog_options {
	const char *dir;	     /* NULL: no segments */
	int stdout_fd;		     /* -1: none */
	enum config_format format;   /* of stdout */
	struct ev_loop *loop;	     /* for a stdout that is not ready */
	const struct config *config; /* tags, sizes, chain */
};

struct evlog_stats {
	uint64_t seq;	  /* of the last record */
	uint64_t records; /* since the start, by type: */
	uint64_t by_type[EVENT_TYPE_COUNT];
	uint64_t dropped;  /* not written to a segment, ever */
	uint64_t left_out; /* on stdout only */
	uint64_t bytes;	   /* in segments, since the start */
	uint64_t begun;	   /* segments, since the start */
	bool failing;	   /* the last write to a segment failed */
	int error;
	bool stdout_closed; /* nobody reads there any more */
};

/* NULL with errno where the directory cannot be made or opened. */
struct evlog *evlog_open(const struct evlog_options *);
/* Flushes; stdout gets at most wait_ms to take the rest. */
void evlog_close(struct evlog *, int64_t wait_ms);
/* Adds a record; returns its sequence number. id_out may be NULL. */
uint64_t evlog_add(struct evlog *, const struct event *, char id_out[EVENT_ID_SIZE]);
/* The next record of this turn, if there is one, does not wait for the flush. */
void evlog_hurry(struct evlog *);
int evlog_flush(struct evlog *);
/* After a flush: so much waits for the reader of stdout that more may be lost. */
bool evlog_clogged(const struct evlog *);
/*
 * Records up to seq were given out once (to readers, to the state) and are not
 * in the log, after a power cut: their numbers are not given again, and a gap
 * that takes the last of them tells of it (cause "lost-tail").
 */
void evlog_skip(struct evlog *, uint64_t seq);
/* New tags, limits and chain after a reload. */
void evlog_configure(struct evlog *, const struct config *);
/* Starts a new segment (SIGUSR1). */
int evlog_rotate(struct evlog *);
void evlog_stats(const struct evlog *, struct evlog_stats *);

#endif
