/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_HANDLER_H
#define FILEMON_STATE_HANDLER_H

/*
 * Handlers are rows of state.db, so that a renamed or reordered section stays itself.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/state.h"

int64_t state_handler(struct state *, const char *name, bool *is_new);
/* When it became known (clk_stamp_ns); 0: before that was noted. */
int64_t state_handler_since(struct state *, int64_t handler);
/* The digest under which all nodes were last evaluated; 0: never.  What else it may be
   is the caller's. */
int64_t state_handler_digest(struct state *, int64_t handler);
void state_handler_set_digest(struct state *, int64_t handler, int64_t digest);
bool state_handler_paused(struct state *, int64_t handler);
void state_handler_set_paused(struct state *, int64_t handler, bool);
/* Forgets handlers whose ids are not among keep, with their deliveries. */
void state_handlers_prune(struct state *, const int64_t *keep, size_t n);

#endif
