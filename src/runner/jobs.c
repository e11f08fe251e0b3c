/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/jobs.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "runner/cgroup.h"
#include "runner/env.h"
#include "runner/procs.h"

#define SWEEP_AGAIN_S 0.02
/* In execve(2) a process shows no environment for a moment: its mark may yet come. */
#define DOUBT_S 0.05
/* A job that is not over by then is attended to (job.h). */
#define QUICK_S 0.01
#define CHILDREN_MAX 512 /* more of them are looked at the long way */
#define JOBS_PREFIX_SIZE (JOBS_MARK_SIZE - sizeof("18446744073709551615"))

/* Ids of those that have an owner: above all that the watcher counts. */
#define OWN_ID (UINT64_C(1) << 63)

struct entry {
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
	struct entry *v;
	size_t n, cap;
	size_t n_owned; /* of n */
	struct ev_signal sigchld;
	struct ev_timer sweeper; /* again, while something is left that was killed */
	uint64_t last_own_id;
	struct ev_timer attend; /* to the quick ones that were not so quick */
	bool stopping, told;
	pid_t refused; /* the last that may not be killed: said once */
};

/* What an orphan is to us. */
struct claim {
	struct entry *owner; /* NULL: not known */
	bool spared;	     /* its job runs, or may be its */
};

static struct entry *
find_id(const struct jobs *jobs, uint64_t id)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (job_id(jobs->v[i].job) == id)
			return &jobs->v[i];
	}
	return NULL;
}

static struct entry *
find_alive(const struct jobs *jobs, pid_t pid)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (job_pid(jobs->v[i].job) == pid && job_is_alive(jobs->v[i].job))
			return &jobs->v[i];
	}
	return NULL;
}

/* A dead job's number may be that of a new one by now, never while it leads a group. */
static struct entry *
find_group(const struct jobs *jobs, pid_t pid)
{
	struct entry *alive = find_alive(jobs, pid);
	for (size_t i = 0; !alive && i < jobs->n; i++) {
		if (job_pid(jobs->v[i].job) == pid)
			return &jobs->v[i];
	}
	return alive;
}

/* By hand, as all numbers before a start: printf(3) would be called for the first
   time in a while, and its pages are fetched while the job waits. */
void
jobs_mark(const struct jobs *jobs, uint64_t id, char out[JOBS_MARK_SIZE])
{
	char digits[JOBS_MARK_SIZE - JOBS_PREFIX_SIZE];
	size_t n = strlen(jobs->prefix), at = sizeof(digits);
	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + id % 10);
	while ((id /= 10) > 0);
	memcpy(out, jobs->prefix, n);
	memcpy(out + n, digits + at, sizeof(digits) - at);
}

static bool
read_mark(const struct jobs *jobs, pid_t pid, uint64_t *id)
{
	char mark[JOBS_MARK_SIZE];
	size_t n = strlen(jobs->prefix);
	if (!procs_env(pid, JOBS_MARK, mark, sizeof(mark)) ||
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
		const struct entry *entry = &jobs->v[i];
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
	if (read_mark(jobs, proc->pid, &id)) {
		claim.owner = find_id(jobs, id);
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
		struct entry *entry = &jobs->v[i];
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
count(struct jobs *jobs, struct entry *owner, size_t n)
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
		if (!find_alive(jobs, pids[i]))
			return false;
	}
	return true;
}

static size_t
kill_orphans(struct jobs *jobs)
{
	struct procs children = PROCS_INIT;
	size_t left = 0;
	procs_children(getpid(), &children);
	for (size_t i = 0; i < children.n; i++) {
		const struct proc *proc = &children.v[i];
		if (find_alive(jobs, proc->pid))
			continue;
		/* It died a moment ago, and is reaped before a job is over. */
		if (proc->state == 'Z') {
			count(jobs, NULL, 1);
			left++;
			continue;
		}
		struct claim claim = claim_of(jobs, proc);
		if (claim.spared) {
			left += claim.owner ? 0 : doubt(jobs, proc);
			continue;
		}
		size_t n = kill_orphan(jobs, proc);
		left += n;
		count(jobs, claim.owner, n);
	}
	procs_release(&children);
	return left;
}

static void
sweep(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		jobs->v[i].left = 0;
	size_t left = has_no_orphan(jobs) ? 0 : kill_orphans(jobs);
	ev_timer_stop(jobs->loop, &jobs->sweeper);
	if (left > 0) {
		ev_timer_set(&jobs->sweeper, SWEEP_AGAIN_S, 0.);
		ev_timer_start(jobs->loop, &jobs->sweeper);
	}
	/* Backwards: an entry that goes is replaced by the last one. */
	for (size_t i = jobs->n; i-- > 0;) {
		if (!job_is_alive(jobs->v[i].job))
			job_swept(jobs->v[i].job, jobs->v[i].left);
	}
	if (jobs->stopping && jobs->n == 0 && left == 0 && !jobs->told) {
		jobs->told = true;
		jobs->events.stopped(jobs->events.ctx);
	}
}

static void
on_sweep(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	sweep(timer->data);
}

static void
on_attend(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct jobs *jobs = timer->data;
	for (size_t i = 0; i < jobs->n; i++)
		job_attend(jobs->v[i].job);
}

static bool
reap_one(struct jobs *jobs)
{
	siginfo_t info = { 0 };
	struct rusage usage = { 0 };
	int status = 0;
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
	    info.si_pid == 0)
		return false;
	struct entry *entry = find_alive(jobs, info.si_pid);
	/* Before it is reaped: till then no other group can get its number. */
	if (entry)
		killpg(info.si_pid, SIGKILL);
	if (entry)
		job_kill_cgroup(entry->job);
	if (wait4(info.si_pid, &status, 0, &usage) == info.si_pid && entry)
		job_exited(entry->job, status, &usage);
	return true;
}

static void
on_sigchld(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)loop, (void)events;
	struct jobs *jobs = signal->data;
	while (reap_one(jobs))
		;
	sweep(jobs);
}

static struct entry *
find_job(const struct jobs *jobs, const struct job *job)
{
	size_t i = 0;
	while (jobs->v[i].job != job)
		i++;
	return &jobs->v[i];
}

static void
on_started(void *ctx, const struct job *job)
{
	struct jobs *jobs = ctx;
	const struct entry *entry = find_job(jobs, job);
	if (entry->owner.started)
		entry->owner.started(entry->owner.ctx, job_pid(job));
	if (!entry->owned)
		jobs->events.started(jobs->events.ctx, job_id(job), job_pid(job));
}

static void
on_ended(void *ctx, const struct job *job, const struct job_result *result)
{
	struct jobs *jobs = ctx;
	struct entry *at = find_job(jobs, job), entry = *at;
	*at = jobs->v[--jobs->n];
	jobs->n_owned -= entry.owned;
	if (entry.owner.ended)
		entry.owner.ended(entry.owner.ctx, result);
	if (!entry.owned)
		jobs->events.ended(jobs->events.ctx, result);
	if (jobs->stopping && jobs->n == 0)
		ev_feed_event(jobs->loop, &jobs->sweeper, EV_TIMER);
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
static void
on_signal(void *ctx, const struct job *job, int sig)
{
	struct jobs *jobs = ctx;
	struct procs list = PROCS_INIT, children = PROCS_INIT;
	procs_tree(job_pid(job), &list);
	procs_children(getpid(), &children);
	for (size_t i = 0; i < children.n; i++) {
		const struct entry *owner = NULL;
		if (!find_alive(jobs, children.v[i].pid))
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

int
jobs_start(struct jobs *jobs, const struct job_spec *spec, struct spawn_error *error)
{
	const struct job_hooks hooks = { on_started, on_ended, on_signal, jobs };
	char mark[JOBS_MARK_SIZE];
	uint64_t now = procs_now();
	if (find_id(jobs, spec->id)) {
		*error = (struct spawn_error){ SPAWN_FORK, EEXIST };
		cgroup_free(spec->cgroup);
		return -1;
	}
	jobs_mark(jobs, spec->id, mark);
	env_set(spec->env, JOBS_MARK, mark);
	struct job *job = job_start(jobs->loop, spec, &hooks, error);
	if (!job)
		return -1;
	if (jobs->n == jobs->cap) {
		jobs->cap = jobs->cap > 0 ? 2 * jobs->cap : 16;
		jobs->v = xreallocarray(jobs->v, jobs->cap, sizeof(*jobs->v));
	}
	jobs->v[jobs->n++] = (struct entry){
		.job = job,
		.owner = spec->owner ? *spec->owner : (struct job_owner){ 0 },
		.owned = spec->owner,
		.start = now,
	};
	jobs->n_owned += spec->owner != NULL;
	if (!ev_is_active(&jobs->attend)) {
		ev_now_update(jobs->loop);
		ev_timer_set(&jobs->attend, QUICK_S, 0.);
		ev_timer_start(jobs->loop, &jobs->attend);
	}
	return 0;
}

void
jobs_stop(struct jobs *jobs)
{
	jobs->stopping = true;
	for (size_t i = jobs->n; i-- > 0;) {
		if (!jobs->v[i].owned)
			job_stop(jobs->v[i].job);
	}
	sweep(jobs);
}

uint64_t
jobs_own_id(struct jobs *jobs)
{
	return OWN_ID | ++jobs->last_own_id;
}

void
jobs_end(struct jobs *jobs, uint64_t id)
{
	struct entry *entry = find_id(jobs, id);
	if (entry)
		job_stop(entry->job);
}

void
jobs_abandon(struct jobs *jobs, uint64_t id)
{
	struct entry *entry = find_id(jobs, id);
	if (!entry)
		return;
	entry->owner = (struct job_owner){ 0 };
	job_stop(entry->job);
}

size_t
jobs_count(const struct jobs *jobs)
{
	return jobs->n - jobs->n_owned;
}

static void
end_leftovers(const struct jobs *jobs, const char *family)
{
	char prefix[JOBS_MARK_SIZE];
	snprintf(prefix, sizeof(prefix), "%s.", family);
	size_t n = procs_end_marked(JOBS_MARK, prefix, jobs->prefix);
	if (n > 0)
		log_warnx("%zu processes of handlers were left behind by a filemond that "
			  "was killed (they were killed)",
		    n);
}

struct jobs *
jobs_new(struct ev_loop *loop, const char *family, const struct jobs_events *events)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));
	struct proc self = { 0 };
	procs_stat(getpid(), &self);
	jobs->loop = loop;
	jobs->events = *events;
	snprintf(jobs->prefix, sizeof(jobs->prefix), "%s.%d-%" PRIu64 ".", family,
	    (int)getpid(), self.start);
	if (*family)
		end_leftovers(jobs, family);
	ev_signal_init(&jobs->sigchld, on_sigchld, SIGCHLD);
	jobs->sigchld.data = jobs;
	ev_signal_start(loop, &jobs->sigchld);
	ev_init(&jobs->sweeper, on_sweep);
	jobs->sweeper.data = jobs;
	ev_init(&jobs->attend, on_attend);
	jobs->attend.data = jobs;
	return jobs;
}

void
jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	ev_signal_stop(jobs->loop, &jobs->sigchld);
	ev_timer_stop(jobs->loop, &jobs->sweeper);
	ev_timer_stop(jobs->loop, &jobs->attend);
	for (size_t i = 0; i < jobs->n; i++)
		job_free(jobs->v[i].job);
	free(jobs->v);
	free(jobs);
}
