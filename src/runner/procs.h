/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_PROCS_H
#define FILEMON_RUNNER_PROCS_H

/*
 * Processes as /proc shows them: who is below whom, and what they were given.  What
 * is read is a moment's view: a process may be forked or be gone right after,
 * so who must have all of them looks again until none is left.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
	pid_t pid, ppid, pgrp, session;
	bool dead;     /* all threads of it: only to be reaped */
	bool headless; /* the first thread has ended, others run */
	uint64_t
	    start; /* in clock ticks after boot: with pid it names a process for good */
};

struct procs {
	struct proc *v;
	size_t n, cap;
	bool partial; /* for want of a descriptor or memory some may be missing */
};

#define PROCS_INIT \
	{ \
		NULL, 0, 0, false \
	}

void procs_reset(struct procs *);
void procs_release(struct procs *);
void procs_add(struct procs *, const struct proc *);

/* -1 with errno where there is no such process. */
int procs_stat(pid_t, struct proc *);
/* Now, as in struct proc: whatever is started from here on has no earlier start. */
uint64_t procs_now(void);
/*
 * The numbers of the calling process's children, zombies too: so many, of which
 * at most max are written; -1 where the kernel does not tell (then
 * procs_children).  For a process of one thread; cheap.  Needs a descriptor at the
 * first call alone.
 */
ssize_t procs_own(pid_t *pids, size_t max);
/* Adds all that there are. */
void procs_all(struct procs *);
/* Adds the children of pid, zombies too. */
void procs_children(pid_t pid, struct procs *);
/* Adds all descendants of pid, without itself; parents before children. */
void procs_tree(pid_t pid, struct procs *);
/* Sends the signal if pid still is that process; -1 with errno (ESRCH: it is not). */
int procs_signal(const struct proc *, int sig);
/*
 * The value that the environment gave to name when the process was started.
 * false where it is not there, is longer than size, or may not be read.
 */
bool procs_env(const struct proc *, const char *name, char *value, size_t size);

#endif
