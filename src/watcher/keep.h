/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_KEEP_H
#define FILEMON_WATCHER_KEEP_H

/*
 * What becomes of the closed segments of the event log (retention.h decides):
 * one after the other is compressed by a child of the runner, and the oldest
 * are removed.  Looked at when a segment was begun, and each minute while
 * there is something that time or a sink may change.
 *
 * Before anything is removed, <events>/anchor is written: {"first_seq":N}, the
 * first number that is kept on purpose, so that `filemonctl verify` can tell
 * retention from a log whose beginning somebody took away.
 *
 * All take NULL: there is no event log, or no keeper.
 */

#include <stdbool.h>
#include <stdint.h>

struct keep;
struct watcher;
struct wire_msg;

struct keep *keep_new(struct watcher *);
void keep_free(struct keep *);
/*
 * The lowest number that a sink has not acknowledged; RETENTION_NO_FLOOR, as at
 * the start: none needs any.  Cheap: call it as often as it changes.
 */
void keep_set_floor(struct keep *, uint64_t seq);
/* The configuration changed. */
void keep_look(struct keep *);
void keep_turn(struct keep *, int64_t now);
int64_t keep_due(const struct keep *); /* -1: nothing is due by time */
/* true: it was about a job of ours. */
bool keep_message(struct keep *, const struct wire_msg *);

#endif
