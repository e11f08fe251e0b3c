/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/job.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "runner/cgroup.h"
#include "runner/env.h"
#include "runner/output.h"
#include "runner/streams.h"

#define KILL_AGAIN_MS 1000 /* what was forked just before */
#define DRAIN_MS 1000	   /* output after the death */
#define REMNANTS_MS 5000   /* processes that even SIGKILL does not end (state D) */

static const struct output_limits limits = {
	.tail = WIRE_OUTPUT_MAX,
	.per_second = 100,
	.logged_max = 64 * 1024,
};

/* Of one that lives long: what it says in a minute. */
static const struct output_limits long_limits = {
	.tail = WIRE_OUTPUT_MAX,
	.per_second = 100,
	.logged_max = 64 * 1024,
	.period_ms = 60 * 1000,
};

enum job_state {
	JOB_RUNNING,
	JOB_ENDING,   /* SIGTERM was sent: the grace runs */
	JOB_KILLED,   /* SIGKILL was sent */
	JOB_DRAINING, /* dead; its output is read to the end, for so long */
	JOB_SWEEPING, /* dead; only descendants are left */
};

struct job {
	struct ev_loop *loop;
	struct job_hooks hooks;
	uint64_t id;
	char *subject;
	char *program;
	pid_t pid;
	enum job_state state;
	bool attended;
	bool timed_out, cut;
	bool swept; /* nothing was left of it when looked at last */
	size_t left;
	struct cgroup *cgroup;
	int64_t grace_ms;
	int64_t started_ns, duration_us, max_rss_kib;
	int status;	    /* of wait(2) */
	struct ev_io start; /* the status pipe; fd is -1 when it is known */
	bool failed;	    /* the program was not started: */
	struct spawn_error error;
	struct output *output;
	struct streams streams; /* where output comes from */
	struct ev_timer timer;
};

static void
arm(struct job *job, int64_t ms)
{
	ev_timer_stop(job->loop, &job->timer);
	ev_now_update(job->loop);
	ev_timer_set(&job->timer, (double)ms / 1000, 0.);
	ev_timer_start(job->loop, &job->timer);
}

static void
fill_outcome(const struct job *job, struct job_result *r)
{
	if (job->failed) {
		r->outcome = WIRE_EXEC_FAILED;
		r->code = job->error.error;
	} else if (job->timed_out) {
		r->outcome = WIRE_TIMEOUT;
	} else if (job->cut) {
		r->outcome = WIRE_CUT;
	} else if (WIFSIGNALED(job->status)) {
		r->outcome = WIRE_SIGNAL;
		r->code = WTERMSIG(job->status);
	} else {
		r->outcome = WIRE_EXIT;
		r->code = WEXITSTATUS(job->status);
	}
}

static void
finish(struct job *job)
{
	char text[512] = "", tail[WIRE_OUTPUT_MAX];
	struct job_result r = {
		.id = job->id,
		.pid = job->pid,
		.duration_us = job->duration_us,
		.max_rss_kib = job->max_rss_kib,
		.text = text,
		.output = tail,
	};
	output_end(job->output, clk_mono_ms());
	r.output_len = output_tail(job->output, tail);
	fill_outcome(job, &r);
	if (job->failed)
		spawn_error_format(&job->error, job->program, text, sizeof(text));
	job->hooks.ended(job->hooks.ctx, job, &r);
	job_free(job);
}

static void
settle(struct job *job)
{
	if (!job_is_alive(job) && job->swept && !streams_are_open(&job->streams))
		finish(job);
}

static void
on_end_of_output(void *ctx)
{
	settle(ctx);
}

static void
close_start(struct job *job)
{
	if (job->start.fd == -1)
		return;
	ev_io_stop(job->loop, &job->start);
	close(job->start.fd);
	ev_io_set(&job->start, -1, EV_READ);
}

static void
learn_start(struct job *job)
{
	int known = job->start.fd == -1 ? 0 : spawn_status(job->start.fd, &job->error);
	if (known == 0)
		return;
	job->failed = known == -1;
	close_start(job);
	if (!job->failed)
		job->hooks.started(job->hooks.ctx, job);
}

static void
on_start(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	learn_start(io->data);
}

static void
kill_all(struct job *job)
{
	job->state = JOB_KILLED;
	job->hooks.signal(job->hooks.ctx, job, SIGKILL);
	arm(job, KILL_AGAIN_MS);
}

static void
begin_end(struct job *job)
{
	job->state = JOB_ENDING;
	job->hooks.signal(job->hooks.ctx, job, SIGTERM);
	arm(job, job->grace_ms);
}

static void
end_draining(struct job *job)
{
	job->state = JOB_SWEEPING;
	streams_close(&job->streams);
	arm(job, REMNANTS_MS - DRAIN_MS);
	settle(job);
}

static void
leave_remnants(struct job *job)
{
	log_warnx("%s: %zu processes of it do not end (they are left to the kernel)",
	    job->subject, job->left);
	job->swept = true;
	settle(job);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct job *job = timer->data;
	switch (job->state) {
	case JOB_RUNNING:
		job->timed_out = true;
		begin_end(job);
		break;
	case JOB_ENDING:
	case JOB_KILLED:
		kill_all(job);
		break;
	case JOB_DRAINING:
		end_draining(job);
		break;
	case JOB_SWEEPING:
		leave_remnants(job);
		break;
	}
}

static struct job *
new_job(struct ev_loop *loop, const struct job_spec *spec, const struct job_hooks *hooks)
{
	struct job *job = xcalloc(1, sizeof(*job));
	job->loop = loop;
	job->hooks = *hooks;
	job->id = spec->id;
	job->subject = xstrdup(spec->subject);
	job->program = xstrdup(spec->argv[0]);
	job->pid = -1;
	job->grace_ms = spec->grace_ms;
	job->cgroup = spec->cgroup;
	job->output = output_new(spec->subject, spec->owner ? &long_limits : &limits);
	ev_init(&job->timer, on_timer);
	job->timer.data = job;
	ev_io_init(&job->start, on_start, -1, EV_READ);
	job->start.data = job;
	streams_init(&job->streams, loop, job->output, on_end_of_output, job);
	return job;
}

static int
spawn_job(const struct job_spec *spec, struct pipes *pipes, struct spawned *out,
    struct spawn_error *error)
{
	if (pipes_open(pipes, spec->out_fd > 0 ? OUTPUT_STDERR : OUTPUT_STDOUT) == -1) {
		*error = (struct spawn_error){ SPAWN_PIPE, errno };
		return -1;
	}
	struct spawn spawn = {
		.argv = spec->argv,
		.envp = spec->env->v,
		.cwd = spec->cwd,
		.user = spec->user,
		.in_fd = spec->in_fd,
		.out_fd = spec->out_fd > 0 ? spec->out_fd : pipes->fds[OUTPUT_STDOUT][1],
		.err_fd = pipes->fds[OUTPUT_STDERR][1],
		.cgroup_fd = spec->cgroup ? cgroup_procs_fd(spec->cgroup) : 0,
		.limits = spec->limits,
		.quick = spec->quick,
	};
	return spawn_start(&spawn, out, error);
}

static void
adopt(struct job *job, const struct spawned *spawned, struct pipes *pipes)
{
	job->pid = spawned->pid;
	ev_io_set(&job->start, spawned->status_fd, EV_READ);
	streams_take(&job->streams, pipes);
	if (spawned->status_fd != -1)
		job_attend(job);
}

/* The process first: what is kept of it, and what the next one needs, can wait. */
struct job *
job_start(struct ev_loop *loop, const struct job_spec *spec,
    const struct job_hooks *hooks, struct spawn_error *error)
{
	struct pipes pipes = PIPES_NONE;
	int64_t from = clk_mono_ns();
	struct spawned spawned;
	struct job *job = NULL;
	if (spawn_job(spec, &pipes, &spawned, error) == 0) {
		job = new_job(loop, spec, hooks);
		job->started_ns = from;
		adopt(job, &spawned, &pipes);
		pipes_make_spare();
	} else {
		cgroup_free(spec->cgroup);
	}
	pipes_close(&pipes);
	if (job && spec->timeout_ms > 0)
		arm(job, spec->timeout_ms);
	return job;
}

void
job_free(struct job *job)
{
	if (!job)
		return;
	ev_timer_stop(job->loop, &job->timer);
	close_start(job);
	streams_close(&job->streams);
	cgroup_free(job->cgroup);
	output_free(job->output);
	free(job->subject);
	free(job->program);
	free(job);
}

uint64_t
job_id(const struct job *job)
{
	return job->id;
}

pid_t
job_pid(const struct job *job)
{
	return job->pid;
}

void
job_kill_cgroup(const struct job *job)
{
	if (job->cgroup)
		cgroup_kill(job->cgroup);
}

bool
job_is_alive(const struct job *job)
{
	return job->state < JOB_DRAINING;
}

void
job_attend(struct job *job)
{
	if (job->attended)
		return;
	job->attended = true;
	streams_start(&job->streams);
	if (job->start.fd != -1)
		ev_io_start(job->loop, &job->start);
	else
		job->hooks.started(job->hooks.ctx, job);
}

void
job_exited(struct job *job, int status, const struct rusage *usage)
{
	job->status = status;
	job->max_rss_kib = usage->ru_maxrss;
	job->duration_us = (clk_mono_ns() - job->started_ns) / 1000;
	/* It is dead, so what the pipe does not hold now will never come. */
	learn_start(job);
	job->state = JOB_DRAINING;
	streams_read_rest(&job->streams);
	arm(job, DRAIN_MS);
}

void
job_swept(struct job *job, size_t left)
{
	job->left = left;
	job->swept = left == 0;
	settle(job);
}

void
job_stop(struct job *job)
{
	if (job->state != JOB_RUNNING)
		return;
	job->cut = true;
	begin_end(job);
}
