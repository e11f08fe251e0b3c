/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_LIFE_H
#define FILEMON_WATCHER_LIFE_H

/*
 * What the process is told by others: signals, the runner's messages, the end
 * of the runner or of the supervisor; and its own end.  Stopping lets running
 * jobs end for drain-timeout, then the runner breaks them off.
 */

#include <stdint.h>

#include "wire/wire.h"

struct watcher;

void life_start(struct watcher *);
/* The runner's, for wire_new; ctx is the watcher. */
void life_message(void *ctx, const struct wire_msg *);
void life_runner_gone(void *ctx, const char *why);
/* Every turn: ends at once where the state directory is another one, or gone, or where
   state.db is, which the next one goes on with (life_close); makes the control socket
   again where it was removed. */
void life_look(struct watcher *);
/* Every turn: goes on with stopping. */
void life_continue(struct watcher *, int64_t now_ms);
/* Closes state.db, which is put back first where it is not in its place. */
void life_close(struct watcher *);
/* Leaves the loop. */
void life_end(struct watcher *);

#endif
