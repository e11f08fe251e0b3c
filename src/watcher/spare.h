/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_SPARE_H
#define FILEMON_WATCHER_SPARE_H

/*
 * Memory that only a scan or a request has needed goes back to the kernel when
 * nothing is going on; so what an idle watcher holds does not tell how large its
 * tree is, nor whether it was asked.
 */

#include <stdint.h>

struct watcher;

/* From then on (CLOCK_MONOTONIC, ms) there is something to be given back. */
void spare_from(struct watcher *, int64_t ms);
/* At the end of a turn; due: when the next thing is to be done, -1: nothing is. */
void spare_turn(struct watcher *, int64_t now_ms, int64_t due_ms);
/* When to look again; -1: there is nothing to be given back. */
int64_t spare_due(const struct watcher *);

#endif
