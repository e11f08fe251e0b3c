/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_UNSURE_H
#define FILEMON_WATCHER_UNSURE_H

/*
 * Rows that are marked as unsure: what was delivered with stamps too young to be
 * trusted, and directories that had another name when something was told of them.
 * They are looked at again when time has told.
 */

#include <stdint.h>

#define UNSURE_DIR_MS 1000
#define UNSURE_FILE_MS 30 /* its stamps are two ticks of the clock old then, mostly */

struct watcher;

/* There is one: it is looked at after so many ms, or with others before. */
void unsure_within(struct watcher *, int64_t ms);
/* The time has come. */
void unsure_look(struct watcher *);

#endif
