/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_FEEDER_H
#define FILEMON_RUNNER_FEEDER_H

/*
 * Feeds the event log to one pipe: as much of it (follow.h) as the pipe takes,
 * whenever it takes more or the log has more, with the loop's turn in between.  A
 * compressed segment waits for its text (unpacker.h).  Where the log cannot be read
 * that is logged once, and looked at again until it can.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct jobs;

struct feeder;

struct feeder_spec {
	const char *subject; /* of log lines: "sink audit"; both are copied */
	const char *dir;     /* of the segments */
	int64_t backoff_ms, backoff_max_ms; /* of a segment that cannot be unpacked */
};

struct feeder_hooks {
	/* It has looked at the log: what it tells may be different. */
	void (*looked)(void *ctx);
	/* Nobody reads the pipe any more. */
	void (*refused)(void *ctx);
	void *ctx;
};

struct feeder *feeder_new(struct ev_loop *, struct jobs *, const struct feeder_spec *,
    const struct feeder_hooks *);
void feeder_free(struct feeder *);

/* The pipe, which is taken and does not block, is fed what comes after that record. */
void feeder_open(struct feeder *, int pipe_fd, uint64_t seq);
/* Does nothing where none is open. */
void feeder_close(struct feeder *);
bool feeder_is_open(const struct feeder *);
/* The log is written up to last. */
void feeder_log(struct feeder *, uint64_t last);
/* Gives the pipe what it takes now. */
void feeder_feed(struct feeder *);

/* The last record that was put into the pipe whole. */
uint64_t feeder_fed(const struct feeder *);
/* The last one that was taken out of it; 0: not known. */
uint64_t feeder_taken(const struct feeder *);
/* As follow_missed and follow_time_after. */
uint64_t feeder_missed(const struct feeder *);
int64_t feeder_time_after(const struct feeder *, uint64_t seq);
/* Why there is no going on; "" where there is. */
const char *feeder_error(const struct feeder *);

#endif
