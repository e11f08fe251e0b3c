/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/job.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "runner/cgroup.h"
#include "runner/env.h"
#include "runner/output.h"

#define KILL_AGAIN_MS 1000 /* what was forked just before */
#define DRAIN_MS 1000	   /* output after the death */
#define REMNANTS_MS 5000   /* processes that even SIGKILL does not end (state D) */
#define READ_MAX (64 * 1024)
#define READS_AT_ONCE 16 /* of what a grandchild may print without end */

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

struct stream {
	struct ev_io io; /* io.fd is -1 when it has ended */
	struct job *job;
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
	struct stream streams[OUTPUT_STREAMS];
	struct output *output;
	struct ev_timer timer;
};

/* One for all: a job keeps none of its own while nothing is printed. */
static char read_buf[READ_MAX];

static void
close_io(struct job *job, struct ev_io *io)
{
	if (io->fd == -1)
		return;
	ev_io_stop(job->loop, io);
	close(io->fd);
	ev_io_set(io, -1, EV_READ);
}

static void
arm(struct job *job, int64_t ms)
{
	ev_timer_stop(job->loop, &job->timer);
	ev_now_update(job->loop);
	ev_timer_set(&job->timer, (double)ms / 1000, 0.);
	ev_timer_start(job->loop, &job->timer);
}

static bool
has_output(const struct job *job)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (job->streams[i].io.fd != -1)
			return true;
	}
	return false;
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
	if (!job_is_alive(job) && job->swept && !has_output(job))
		finish(job);
}

/* false where nothing more is to be read now; the end of it is seen to. */
static bool
read_output(struct stream *stream)
{
	struct job *job = stream->job;
	ssize_t n = read(stream->io.fd, read_buf, sizeof(read_buf));
	if (n > 0)
		output_add(job->output, (enum output_stream)(stream - job->streams),
		    read_buf, (size_t)n, clk_mono_ms());
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_io(job, &stream->io);
	return n > 0;
}

static void
on_output(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	struct stream *stream = io->data;
	read_output(stream);
	if (io->fd == -1)
		settle(stream->job);
}

/* What a dead job has printed lies there; usually the end of it, too. */
static void
read_rest(struct job *job)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		for (int n = 0; n < READS_AT_ONCE && job->streams[i].io.fd != -1; n++) {
			if (!read_output(&job->streams[i]))
				break;
		}
		if (job->streams[i].io.fd != -1)
			ev_io_start(job->loop, &job->streams[i].io);
	}
}

static void
learn_start(struct job *job)
{
	int known = job->start.fd == -1 ? 0 : spawn_status(job->start.fd, &job->error);
	if (known == 0)
		return;
	job->failed = known == -1;
	close_io(job, &job->start);
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
	for (int i = 0; i < OUTPUT_STREAMS; i++)
		close_io(job, &job->streams[i].io);
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
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		job->streams[i].job = job;
		ev_io_init(&job->streams[i].io, on_output, -1, EV_READ);
		job->streams[i].io.data = &job->streams[i];
	}
	return job;
}

/* The reading end alone does not block. */
static int
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* For the next job, made when nobody waits for it. */
static int spare[OUTPUT_STREAMS][2] = { { -1, -1 }, { -1, -1 } };

/* Where it fails, the next job makes its own, or tells why not. */
static void
make_spare(void)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (spare[i][0] == -1)
			make_pipe(spare[i]);
	}
}

static int
take_pipe(int i, int fds[2])
{
	if (spare[i][0] == -1)
		return make_pipe(fds);
	memcpy(fds, spare[i], sizeof(spare[i]));
	spare[i][0] = spare[i][1] = -1;
	return 0;
}

static int
spawn_job(const struct job_spec *spec, int fds[OUTPUT_STREAMS][2], struct spawned *out,
    struct spawn_error *error)
{
	for (int i = spec->out_fd > 0 ? OUTPUT_STDERR : 0; i < OUTPUT_STREAMS; i++) {
		if (take_pipe(i, fds[i]) == -1) {
			*error = (struct spawn_error){ SPAWN_PIPE, errno };
			return -1;
		}
	}
	struct spawn spawn = {
		.argv = spec->argv,
		.envp = spec->env->v,
		.cwd = spec->cwd,
		.user = spec->user,
		.in_fd = spec->in_fd,
		.out_fd = spec->out_fd > 0 ? spec->out_fd : fds[OUTPUT_STDOUT][1],
		.err_fd = fds[OUTPUT_STDERR][1],
		.cgroup_fd = spec->cgroup ? cgroup_procs_fd(spec->cgroup) : 0,
		.limits = spec->limits,
		.quick = spec->quick,
	};
	return spawn_start(&spawn, out, error);
}

static void
adopt(struct job *job, const struct spawned *spawned, int fds[OUTPUT_STREAMS][2])
{
	job->pid = spawned->pid;
	ev_io_set(&job->start, spawned->status_fd, EV_READ);
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		ev_io_set(&job->streams[i].io, fds[i][0], EV_READ);
		fds[i][0] = -1;
	}
	if (spawned->status_fd != -1)
		job_attend(job);
}

/* The process first: what is kept of it, and what the next one needs, can wait. */
struct job *
job_start(struct ev_loop *loop, const struct job_spec *spec,
    const struct job_hooks *hooks, struct spawn_error *error)
{
	int fds[OUTPUT_STREAMS][2] = { { -1, -1 }, { -1, -1 } };
	int64_t from = clk_mono_ns();
	struct spawned spawned;
	struct job *job = NULL;
	if (spawn_job(spec, fds, &spawned, error) == 0) {
		job = new_job(loop, spec, hooks);
		job->started_ns = from;
		adopt(job, &spawned, fds);
		make_spare();
	} else {
		cgroup_free(spec->cgroup);
	}
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		fd_close(&fds[i][0]);
		fd_close(&fds[i][1]);
	}
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
	close_io(job, &job->start);
	for (int i = 0; i < OUTPUT_STREAMS; i++)
		close_io(job, &job->streams[i].io);
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
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (job->streams[i].io.fd != -1)
			ev_io_start(job->loop, &job->streams[i].io);
	}
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
	read_rest(job);
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
