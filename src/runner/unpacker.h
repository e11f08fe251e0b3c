/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_UNPACKER_H
#define FILEMON_RUNNER_UNPACKER_H

/*
 * Has the text of a compressed segment of the event log made, for one sink, by
 * a helper program (filemon-pack): in a file without a name beside the segment,
 * so that it costs disk for as long as the sink reads it, and no memory.  One
 * at a time.  Nothing waits for it, and where it failed the delay until it may be
 * tried again grows.
 */

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct follow_wants;
struct jobs;
struct unpacker;

struct unpacker_spec {
	const char *subject; /* of log lines: "sink audit"; both are copied */
	const char *dir;     /* of the segments */
	int64_t backoff_ms, backoff_max_ms;
};

struct unpacker_hooks {
	/* The file is the callee's.  So many of the records wanted are damaged. */
	void (*done)(void *ctx, int fd, uint64_t lost);
	/* It failed; `again` follows when it may be tried again. */
	void (*failed)(void *ctx, const char *why);
	void (*again)(void *ctx);
	void *ctx;
};

struct unpacker *unpacker_new(struct ev_loop *, struct jobs *,
    const struct unpacker_spec *, const struct unpacker_hooks *);
void unpacker_free(struct unpacker *);

/* Does nothing while one is made, or a delay runs. */
void unpacker_start(struct unpacker *, const struct follow_wants *);
/* Nothing is wanted any more; no hook follows. */
void unpacker_stop(struct unpacker *);

#endif
