/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_HAND_H
#define FILEMON_RUNNER_HAND_H

/*
 * The slots of handlers, and orders in hand: one that came while its handler
 * has as many jobs as it may have waits here, so that the next job starts the
 * moment one is over, without a question to the watcher in between.  An order
 * in hand was recorded as "perhaps delivered" and may be called back.
 *
 * Handlers are known by name: a reload changes their numbers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_msg;
struct hand;

struct hand *hand_new(void);
void hand_free(struct hand *);

/* A job of the handler began. */
void hand_began(struct hand *, uint64_t id, const char *handler);
/* It ended; the handler's name, which lasts until the next call, or NULL. */
const char *hand_ended(struct hand *, uint64_t id);
size_t hand_running(const struct hand *, const char *handler);
/* Do more of its orders wait here than jobs of it run?  NULL: no handler. */
bool hand_is_stocked(const struct hand *, const char *handler);

/* Keeps a copy; false where too many are kept already. */
bool hand_keep(struct hand *, const struct wire_msg *, const char *handler);
/*
 * Takes the oldest order of the handler (NULL: of any); false: there is none.
 * Its strings last until the next call.
 */
bool hand_take(struct hand *, const char *handler, struct wire_msg *);
/* Forgets it; false: it is not kept (it runs, or is over). */
bool hand_drop(struct hand *, uint64_t id);

#endif
