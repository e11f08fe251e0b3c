/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_HASHER_H
#define FILEMON_RUNNER_HASHER_H

/*
 * Questions about the content of files, answered by filemon-hash(8): a child
 * that is started with the first question and ended when there was none for a
 * while.  Every question is answered, in whatever way, in bounded time.
 *
 * The helper answers in order.  When it ends unasked, or takes too long, the
 * question it was at is answered by CONTENT_CRASHED (or one before, whose answer
 * was lost with it); the others wait for its next start.  While it cannot be started, and
 * where too many wait already, the answer is CONTENT_UNAVAILABLE.
 */

#include <ev.h>
#include <stdint.h>

#include "wire/content.h"

struct hasher;
struct jobs;

struct hasher_hooks {
	/* May be called by hasher_ask; content is valid during the call. */
	void (*answer)(void *ctx, uint64_t id, const struct content *);
	void *ctx;
};

struct hasher *hasher_new(struct ev_loop *, struct jobs *, const struct hasher_hooks *);
void hasher_free(struct hasher *);
void hasher_ask(struct hasher *, const struct content_request *);
/* All questions are answered; the child ends, and no other is started. */
void hasher_stop(struct hasher *);

#endif
