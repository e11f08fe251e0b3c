/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_UNDO_H
#define FILEMON_WATCHER_UNDO_H

/*
 * The event log is written before the state is committed, so that no change is
 * recorded nowhere.  A crash between the two leaves records in the log that
 * the state knows nothing of.  At the next start they are taken back by
 * records of the opposite, last first, after a gap record (cause "crash"); then
 * the log says what the state says, and the scan tells what is really there.
 */

#include <stdint.h>

struct watcher;

/*
 * After log and state are open, before anything is recorded: numbers that the state
 * knows of are not given again.  Returns the last one that was in the log.
 */
uint64_t undo_look(struct watcher *);
/* After the roots are open too, before the first scan; last: what undo_look returned. */
void undo_ahead(struct watcher *, uint64_t last);
/* The same (cause "state-failed") after the state could not be written for a while, and
   has forgotten what it was told since.  Where the log cannot be written either, the
   gap alone: it follows when the log can be. */
void undo_failed(struct watcher *);

#endif
