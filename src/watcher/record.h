/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_RECORD_H
#define FILEMON_WATCHER_RECORD_H

/* From what was found to records of the event log. */

#include <stdbool.h>
#include <stddef.h>

#include "eventlog/event.h"

struct watcher;
struct root;

/* Fills in root and source and adds it to the log; not for what a first scan finds. */
void record_event(struct watcher *, struct root *, struct event *);
/* What is told besides of a path: nothing that is held back waits for it. */
void record_aside(struct watcher *, struct root *, struct event *);
/* Events were lost below path; "" is everything, or for cause "root-..." the root. */
void record_gap(struct watcher *, struct root *, const char *path, size_t len,
    const char *cause, bool repaired);

#endif
