/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "runner/jobs_priv.h"
#include "runner/procs.h"

/* In execve(2) a process shows no environment for a moment: its mark may yet come. */
#define DOUBT_S 0.05
#define CHILDREN_MAX 512 /* more of them are looked at the long way */

/* What an orphan is to us. */
struct claim {
	struct jobs_entry *owner; /* NULL: not known */
	bool spared;		  /* its job runs, or may be its */
};

/* A dead job's number may be that of a new one by now, never while it leads a group. */
static struct jobs_entry *
find_group(const struct jobs *jobs, pid_t pid)
{
	struct jobs_entry *alive = jobs_find_alive(jobs, pid);
	for (size_t i = 0; !alive && i < jobs->n; i++) {
		if (job_pid(jobs->v[i].job) == pid)
			return &jobs->v[i];
	}
	return alive;
}

static bool
read_mark(const struct jobs *jobs, const struct proc *proc, uint64_t *id)
{
	char mark[JOBS_MARK_SIZE];
	size_t n = strlen(jobs->prefix);
	if (!procs_env(proc, JOBS_MARK, mark, sizeof(mark)) ||
	    strncmp(mark, jobs->prefix, n) != 0)
		return false;
	*id = strtoull(mark + n, NULL, 10);
	return true;
}

/* A process was not forked by a job that began after it. */
static bool
may_be_of_a_job(const struct jobs *jobs, const struct proc *proc)
{
	for (size_t i = 0; i < jobs->n; i++) {
		const struct jobs_entry *entry = &jobs->v[i];
		if (!entry->owned && job_is_alive(entry->job) &&
		    entry->start <= proc->start)
			return true;
	}
	return false;
}

static struct claim
claim_of(const struct jobs *jobs, const struct proc *proc)
{
	struct claim claim = { NULL, false };
	uint64_t id;
	if (read_mark(jobs, proc, &id)) {
		claim.owner = jobs_find(jobs, id);
	} else {
		claim.owner = find_group(jobs, proc->session);
		if (!claim.owner)
			claim.owner = find_group(jobs, proc->pgrp);
		if (!claim.owner)
			claim.spared = may_be_of_a_job(jobs, proc);
	}
	if (claim.owner)
		claim.spared = job_is_alive(claim.owner->job);
	return claim;
}

/* false where it will not die of it: a set-uid program of another user. */
static bool
kill_proc(struct jobs *jobs, const struct proc *proc)
{
	if (procs_signal(proc, SIGKILL) == 0 || errno != EPERM)
		return true;
	if (jobs->refused != proc->pid)
		log_warn("process %d: left behind by a handler, cannot be killed",
		    (int)proc->pid);
	jobs->refused = proc->pid;
	return false;
}

/* The orphan and all below it; the number that has yet to die. */
static size_t
kill_orphan(struct jobs *jobs, const struct proc *orphan)
{
	struct procs tree = PROCS_INIT;
	size_t n = kill_proc(jobs, orphan) ? 1 : 0;
	procs_tree(orphan->pid, &tree);
	for (size_t i = 0; i < tree.n; i++)
		kill_proc(jobs, &tree.v[i]);
	procs_release(&tree);
	return n;
}

/* An orphan that shows no mark holds the dead jobs that may have forked it. */
static size_t
doubt(struct jobs *jobs, const struct proc *proc)
{
	size_t n = 0;
	for (size_t i = 0; i < jobs->n; i++) {
		struct jobs_entry *entry = &jobs->v[i];
		if (job_is_alive(entry->job) || entry->start > proc->start)
			continue;
		if (entry->sure == 0)
			entry->sure = ev_now(jobs->loop) + DOUBT_S;
		if (ev_now(jobs->loop) < entry->sure) {
			entry->left++;
			n++;
		}
	}
	return n;
}

/* Of one that is killed and has no known owner no dead job may say that it is gone. */
static void
count(struct jobs *jobs, struct jobs_entry *owner, size_t n)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (!owner || owner == &jobs->v[i])
			jobs->v[i].left += n;
	}
}

/* Are all our children jobs that run?  The usual case, and the cheap one to see. */
static bool
has_no_orphan(const struct jobs *jobs)
{
	pid_t pids[CHILDREN_MAX];
	ssize_t n = procs_own(pids, CHILDREN_MAX);
	if (n == -1 || n > CHILDREN_MAX)
		return false;
	for (ssize_t i = 0; i < n; i++) {
		if (!jobs_find_alive(jobs, pids[i]))
			return false;
	}
	return true;
}

static size_t
kill_one(struct jobs *jobs, const struct proc *proc)
{
	/* It died a moment ago, and is reaped before a job is over. */
	if (proc->dead) {
		count(jobs, NULL, 1);
		return 1;
	}
	struct claim claim = claim_of(jobs, proc);
	if (claim.spared)
		return claim.owner ? 0 : doubt(jobs, proc);
	size_t n = kill_orphan(jobs, proc);
	count(jobs, claim.owner, n);
	return n;
}

size_t
orphans_kill(struct jobs *jobs)
{
	struct procs children = PROCS_INIT;
	size_t left = 0;
	if (has_no_orphan(jobs))
		return 0;
	procs_children(getpid(), &children);
	/* "Could not look" is not "is gone"; and whose one is could not be read. */
	if (children.partial) {
		count(jobs, NULL, 1);
		left = 1;
	}
	for (size_t i = 0; !children.partial && i < children.n; i++) {
		if (!jobs_find_alive(jobs, children.v[i].pid))
			left += kill_one(jobs, &children.v[i]);
	}
	procs_release(&children);
	return left;
}

/* One that is stopped would keep SIGTERM pending. */
static void
signal_proc(const struct proc *proc, int sig)
{
	procs_signal(proc, sig);
	if (sig == SIGTERM)
		procs_signal(proc, SIGCONT);
}

static void
signal_group(pid_t pid, int sig)
{
	/* No group yet: it was forked a moment ago. */
	if (killpg(pid, sig) == -1)
		kill(pid, sig);
	if (sig == SIGTERM)
		killpg(pid, SIGCONT);
}

/* All below it, and the orphans of it with all below them. */
void
orphans_signal(struct jobs *jobs, const struct job *job, int sig)
{
	struct procs list = PROCS_INIT, children = PROCS_INIT;
	procs_tree(job_pid(job), &list);
	procs_children(getpid(), &children);
	for (size_t i = 0; i < children.n; i++) {
		const struct jobs_entry *owner = NULL;
		if (!jobs_find_alive(jobs, children.v[i].pid))
			owner = claim_of(jobs, &children.v[i]).owner;
		if (!owner || owner->job != job)
			continue;
		signal_proc(&children.v[i], sig);
		procs_tree(children.v[i].pid, &list);
	}
	if (sig == SIGKILL)
		job_kill_cgroup(job);
	signal_group(job_pid(job), sig);
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].pgrp != job_pid(job))
			signal_proc(&list.v[i], sig);
	}
	procs_release(&list);
	procs_release(&children);
}
