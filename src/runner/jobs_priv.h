/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_JOBS_PRIV_H
#define FILEMON_RUNNER_JOBS_PRIV_H

/* The list of jobs, as those see it who look after orphans. */

#include <ev.h>

#include "runner/jobs.h"

#define JOBS_PREFIX_SIZE (JOBS_MARK_SIZE - sizeof("18446744073709551615"))

struct jobs_entry {
	struct job *job;
	struct job_owner owner; /* of a long-lived process */
	bool owned;
	uint64_t start; /* of its process, as in struct proc */
	size_t left;	/* processes of it, in the sweep under way */
	ev_tstamp sure; /* when no more doubt about an orphan holds it; 0: none yet */
};

struct jobs {
	struct ev_loop *loop;
	struct jobs_events events;
	char prefix[JOBS_PREFIX_SIZE]; /* of the marks of this runner's jobs */
	struct jobs_entry *v;
	size_t n, cap;
	size_t n_owned; /* of n */
	struct ev_signal sigchld;
	struct ev_timer sweeper; /* again, while something is left that was killed */
	ev_tstamp sweep_wait;	 /* grows: in state D it may be left for long */
	uint64_t last_own_id;
	struct ev_timer attend; /* to the quick ones that were not so quick */
	bool stopping, told;
	pid_t refused; /* the last that may not be killed: said once */
};

/* NULL: none. */
struct jobs_entry *jobs_find(const struct jobs *, uint64_t id);
struct jobs_entry *jobs_find_alive(const struct jobs *, pid_t);

#endif
