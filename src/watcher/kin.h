/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_KIN_H
#define FILEMON_WATCHER_KIN_H

/*
 * Is a process one of filemon's own, or of one of its jobs?  Told by its
 * parents: whatever a job starts is below the runner, which takes in orphans,
 * too (jobs.h).  The mark in the environment of jobs says the same, but
 * landlock(7) lets nobody look into the environment of others.
 */

#include "base/buf.h"

struct watcher;

/*
 * Adds "self", and "handler" where the job is known, as members of a record;
 * nothing for a stranger.  The caller sees to it that pid is still the same
 * process afterwards.
 */
void kin_render(const struct watcher *, int pid, struct buf *);

#endif
