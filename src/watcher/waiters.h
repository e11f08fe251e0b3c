/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_WAITERS_H
#define FILEMON_WATCHER_WAITERS_H

/* Clients that wait until all is delivered (`filemonctl wait`); a bounded number. */

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct request;
struct waiters;
struct watcher;

struct waiters *waiters_new(struct watcher *);
void waiters_free(struct waiters *);
/* The answer comes later; 0: without a time-out. */
void waiters_add(struct waiters *, const struct request *, int64_t timeout_ms);
bool waiters_has(const struct waiters *, const struct conn *);
/* The client is gone. */
void waiters_drop(struct waiters *, const struct conn *);
/* Every loop turn: answers where it is time. */
void waiters_turn(struct waiters *, int64_t now_ms);
/* When waiters_turn has to be called by time alone; -1. */
int64_t waiters_due(const struct waiters *);

#endif
