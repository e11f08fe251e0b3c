/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_JOBS_H
#define FILEMON_RUNNER_JOBS_H

/*
 * All jobs and long-lived processes (those that have an owner) that run, the
 * reaping of children, and the end of what they leave
 * behind.  The process must be a child subreaper (prctl(2)), so that orphans
 * come back to it, and nobody else in it may wait for children.
 *
 * Whose an orphan is, is told by FILEMON_JOB in its environment, else by its
 * session or group.  One of a running job is left alone until that job ends;
 * one of an ended job is killed; one that hides its origin is killed as soon
 * as no job runs that is older than it.  So a handler cannot leave a daemon
 * behind.  A long-lived process spares none that hides: it would for ever.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/job.h"

#define JOBS_MARK "FILEMON_JOB"

struct jobs_events {
	void (*started)(void *ctx, uint64_t id, pid_t pid);
	/* Nothing of the job runs any more. */
	void (*ended)(void *ctx, const struct job_result *);
	/* No process and no orphan is left; called after jobs_stop only. */
	void (*stopped)(void *ctx);
	void *ctx;
};

struct jobs;

/*
 * family names the project: a process that carries it in its mark and was not
 * started by this process is what a runner that was killed left behind, and
 * is killed now.  "": there is none to look for.
 */
struct jobs *jobs_new(struct ev_loop *, const char *family, const struct jobs_events *);
/* Forgets all; kills nothing (leftovers_end_all does). */
void jobs_free(struct jobs *);
size_t jobs_count(const struct jobs *); /* without those that have an owner */

/* -1 with *error where there is no process; then no event follows. */
int jobs_start(struct jobs *, const struct job_spec *, struct spawn_error *);
#define JOBS_MARK_SIZE 128
/* Writes the value of FILEMON_JOB: unique also over restarts. */
void jobs_mark(const struct jobs *, uint64_t id, char out[JOBS_MARK_SIZE]);
/* Ends all that have no owner, by SIGTERM, grace, SIGKILL; the others' owners do. */
void jobs_stop(struct jobs *);

/* A new id for one that has an owner; none that a job has. */
uint64_t jobs_own_id(struct jobs *);
/* Ends it as jobs_stop does; its owner will be told. */
void jobs_end(struct jobs *, uint64_t id);
/* Ends it, and tells nobody. */
void jobs_abandon(struct jobs *, uint64_t id);

#endif
