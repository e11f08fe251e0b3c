/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_OUTCOME_H
#define FILEMON_WATCHER_OUTCOME_H

/*
 * What follows from the end of a job: delivered, due again, or a dead letter.
 * The runner says how the process ended; the configured tables say what that
 * means.  A run cut short by filemon itself is no attempt.
 */

struct watcher;
struct job;
struct wire_msg;

void outcome_note(struct watcher *, struct job *, const struct wire_msg *);

#endif
