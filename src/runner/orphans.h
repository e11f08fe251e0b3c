/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_ORPHANS_H
#define FILEMON_RUNNER_ORPHANS_H

/* What jobs leave behind; whose each is, and when it goes, is said in jobs.h. */

#include <stddef.h>

struct job;
struct jobs;

/*
 * Kills those whose time has come.  The number of those that have yet to die or are
 * in doubt; those of each job are added to its entry's `left`.
 */
size_t orphans_kill(struct jobs *);
/* A signal to all that is below the job, and to the orphans of it. */
void orphans_signal(struct jobs *, const struct job *, int sig);

#endif
