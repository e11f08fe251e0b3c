/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_STREAM_H
#define FILEMON_WATCHER_STREAM_H

/*
 * What stands between a record and the event log: alerts look at it (alert.h),
 * saves are put together (save.h), and what is too much is left out (limit.h).
 * Delivery does not pass here.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct event;
struct save_note;
struct stream;
struct watcher;

/* As the configuration says; roots and log are open. */
struct stream *stream_new(struct watcher *);
void stream_free(struct stream *);
/* The configuration is another one.  Before it is released: what is held goes out. */
void stream_reload(struct stream *);

void stream_put(struct stream *, const struct event *);
/* The content of a file that was written has so many bits a byte (alert.h). */
void stream_entropy(struct stream *, double bits);
/* Does it want to know what a changed file was before? */
bool stream_compares(const struct stream *);
/* Of the hint that is being looked at; NULL afterwards. */
void stream_note(struct stream *, const struct save_note *);
/* Lets out all that is held. */
void stream_flush(struct stream *);
void stream_tick(struct stream *, int64_t now_ms);
int64_t stream_due(const struct stream *); /* -1: never */
/* Is a record held back? */
bool stream_holds(const struct stream *);
/* Within a transaction of the state, before its commit. */
void stream_keep(struct stream *);
/* The commit failed: nothing was kept. */
void stream_not_kept(struct stream *);
/* Adds its counters to the events of the status, and the alerts to the status. */
void stream_status(const struct stream *, cJSON *events, cJSON *out);

#endif
