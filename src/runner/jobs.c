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
#include "runner/jobs_priv.h"
#include "runner/leftovers.h"
#include "runner/orphans.h"
#include "runner/procs.h"

/* How soon to look again at what was killed; its death is a signal anyway. */
#define SWEEP_AGAIN_S 0.02
#define SWEEP_AGAIN_MAX_S 1.0
/* A job that is not over by then is attended to (job.h). */
#define QUICK_S 0.01

/* Ids of those that have an owner: above all that the watcher counts. */
#define OWN_ID (UINT64_C(1) << 63)

struct jobs_entry *
jobs_find(const struct jobs *jobs, uint64_t id)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (job_id(jobs->v[i].job) == id)
			return &jobs->v[i];
	}
	return NULL;
}

struct jobs_entry *
jobs_find_alive(const struct jobs *jobs, pid_t pid)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (job_pid(jobs->v[i].job) == pid && job_is_alive(jobs->v[i].job))
			return &jobs->v[i];
	}
	return NULL;
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

static void
sweep_later(struct jobs *jobs)
{
	ev_timer_set(&jobs->sweeper, jobs->sweep_wait, 0.);
	ev_timer_start(jobs->loop, &jobs->sweeper);
	jobs->sweep_wait *= 2;
	if (jobs->sweep_wait > SWEEP_AGAIN_MAX_S)
		jobs->sweep_wait = SWEEP_AGAIN_MAX_S;
}

static void
sweep(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		jobs->v[i].left = 0;
	size_t left = orphans_kill(jobs);
	ev_timer_stop(jobs->loop, &jobs->sweeper);
	if (left > 0)
		sweep_later(jobs);
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
	struct jobs_entry *entry = jobs_find_alive(jobs, info.si_pid);
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
		jobs->sweep_wait = SWEEP_AGAIN_S;
	sweep(jobs);
}

static struct jobs_entry *
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
	/* A copy: the owner may start another one, and the list moves. */
	const struct jobs_entry entry = *find_job(jobs, job);
	if (entry.owner.started)
		entry.owner.started(entry.owner.ctx, job_pid(job));
	if (!entry.owned)
		jobs->events.started(jobs->events.ctx, job_id(job), job_pid(job));
}

static void
on_ended(void *ctx, const struct job *job, const struct job_result *result)
{
	struct jobs *jobs = ctx;
	struct jobs_entry *at = find_job(jobs, job), entry = *at;
	*at = jobs->v[--jobs->n];
	jobs->n_owned -= entry.owned;
	if (entry.owner.ended)
		entry.owner.ended(entry.owner.ctx, result);
	if (!entry.owned)
		jobs->events.ended(jobs->events.ctx, result);
	if (jobs->stopping && jobs->n == 0)
		ev_feed_event(jobs->loop, &jobs->sweeper, EV_TIMER);
}

static void
on_signal(void *ctx, const struct job *job, int sig)
{
	orphans_signal(ctx, job, sig);
}

int
jobs_start(struct jobs *jobs, const struct job_spec *spec, struct spawn_error *error)
{
	const struct job_hooks hooks = { on_started, on_ended, on_signal, jobs };
	char mark[JOBS_MARK_SIZE];
	uint64_t now = procs_now();
	if (jobs_find(jobs, spec->id)) {
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
	jobs->v[jobs->n++] = (struct jobs_entry){
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
	jobs->sweep_wait = SWEEP_AGAIN_S;
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
	struct jobs_entry *entry = jobs_find(jobs, id);
	if (entry)
		job_stop(entry->job);
}

void
jobs_abandon(struct jobs *jobs, uint64_t id)
{
	struct jobs_entry *entry = jobs_find(jobs, id);
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
	size_t n = leftovers_end_marked(JOBS_MARK, prefix, jobs->prefix);
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
	procs_own(NULL, 0); /* while a descriptor is free */
	jobs->loop = loop;
	jobs->events = *events;
	snprintf(jobs->prefix, sizeof(jobs->prefix), "%s.%d-%" PRIu64 ".", family,
	    (int)getpid(), self.start);
	if (*family)
		end_leftovers(jobs, family);
	ev_signal_init(&jobs->sigchld, on_sigchld, SIGCHLD);
	jobs->sigchld.data = jobs;
	ev_signal_start(loop, &jobs->sigchld);
	jobs->sweep_wait = SWEEP_AGAIN_S;
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
