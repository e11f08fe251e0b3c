/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_SINK_H
#define FILEMON_RUNNER_SINK_H

/*
 * One sink: a child (child.h) that is fed the event log (feeder.h) from where
 * it was left (progress.h).  It is given each record at least once: what it has
 * is what it acknowledged, or, without ack, what it took out of its pipe; from
 * there it goes on when it was started again.  One that does not read holds a
 * pipe full and nothing else.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "wire/wire.h"

struct ev_loop;
struct jobs;
struct sink;

struct sink_hooks {
	/* Something that sink_report tells has changed. */
	void (*changed)(void *ctx, struct sink *);
	/* It was stopped and nothing of it runs.  May free it. */
	void (*down)(void *ctx, struct sink *);
	void *ctx;
};

/* Copies what it needs.  It is down until sink_log is called. */
struct sink *sink_new(struct ev_loop *, struct jobs *, const struct config *,
    const struct sink_config *, const struct sink_hooks *);
void sink_free(struct sink *);

const char *sink_name(const struct sink *);
/* Is it what that section says? */
bool sink_is(const struct sink *, const struct config *, const struct sink_config *);
/* The log is written up to last.  The first time it starts. */
void sink_log(struct sink *, uint64_t last);
/* Gives it what is there, then the end of its input. */
void sink_stop(struct sink *);
bool sink_is_down(const struct sink *);
/* Fills in a WIRE_SINK; strings are valid until the next call. */
void sink_report(struct sink *, struct wire_msg *);

#endif
