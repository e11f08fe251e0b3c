/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_SINKS_H
#define FILEMON_RUNNER_SINKS_H

/*
 * The sinks of the configuration.  When it changes, those that are as they were
 * go on; others are ended, and only when nothing of them runs any more is a new
 * one of the same name begun, from where the old one was.
 */

#include <stdint.h>

#include "conf/config.h"
#include "wire/wire.h"

struct ev_loop;
struct jobs;
struct sinks;

struct sinks_hooks {
	void (*report)(void *ctx, const struct wire_msg *); /* a WIRE_SINK */
	void *ctx;
};

struct sinks *sinks_new(struct ev_loop *, struct jobs *, const struct sinks_hooks *);
/* What runs is ended and forgotten. */
void sinks_free(struct sinks *);
/* Copies what it needs. */
void sinks_configure(struct sinks *, const struct config *);
/* The log is written up to seq. */
void sinks_log(struct sinks *, uint64_t seq);
/* Ends all, and begins none any more. */
void sinks_stop(struct sinks *);

#endif
