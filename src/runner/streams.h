/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_STREAMS_H
#define FILEMON_RUNNER_STREAMS_H

/*
 * The pipes that a job prints into: its stdout and its stderr, read by the loop
 * until both have ended.  What is read goes to output.h; one buffer serves all jobs,
 * so that a silent one costs none.  The pipes of the next job are made in
 * advance, when nobody waits for them.
 */

#include <ev.h>
#include <stdbool.h>

#include "runner/output.h"

/* Both ends of each; -1: none.  The reading end alone does not block. */
struct pipes {
	int fds[OUTPUT_STREAMS][2];
};

#define PIPES_NONE ((struct pipes){ { { -1, -1 }, { -1, -1 } } })

/* From that stream on; -1 with errno, and perhaps some are open. */
int pipes_open(struct pipes *, enum output_stream from);
void pipes_close(struct pipes *);
/* Where it fails, the next job makes its own, or tells why not. */
void pipes_make_spare(void);

struct streams {
	struct ev_loop *loop;
	struct stream {
		struct ev_io io; /* io.fd is -1 when it has ended */
		struct streams *of;
	} v[OUTPUT_STREAMS];
	struct output *output;
	void (*ended)(void *ctx); /* one of them */
	void *ctx;
};

/* output stays the caller's. */
void streams_init(struct streams *, struct ev_loop *, struct output *,
    void (*ended)(void *ctx), void *ctx);
/* Takes the reading ends. */
void streams_take(struct streams *, struct pipes *);
void streams_start(struct streams *);
/* Reads what lies there, usually the end of it too, and goes on with the rest. */
void streams_read_rest(struct streams *);
bool streams_are_open(const struct streams *);
void streams_close(struct streams *);

#endif
