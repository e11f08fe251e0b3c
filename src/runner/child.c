/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/child.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "runner/env.h"
#include "runner/jobs.h"

enum child_event {
	EVENT_START,
	EVENT_EXIT,
	EVENT_TIMEOUT,
	EVENT_READY, /* the program runs */
	EVENT_STOP,
	EVENT_MAX,
};

static const char *const state_names[] = {
	[CHILD_DOWN] = "down",
	[CHILD_STARTING] = "starting",
	[CHILD_UP] = "up",
	[CHILD_STOPPING] = "stopping",
	[CHILD_BACKOFF] = "backoff",
};
_Static_assert(COUNTOF(state_names) == CHILD_STATE_MAX, "a state lacks its name");

struct child {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct child_hooks hooks;
	struct child_spec spec; /* what it points to is in the members below */
	char *subject, *cwd;
	struct strlist argv;
	struct env env;
	enum child_state state;
	bool wanted;   /* up again after CHILD_STOPPING */
	char why[128]; /* of child_fail; else "" */
	bool ran;      /* in this run the program was started */
	uint64_t job;  /* of the present run */
	pid_t pid;
	int in_fd, out_fd; /* our ends, till they are the owner's */
	uint64_t starts, deaths;
	uint64_t in_a_row;	      /* deaths since it was healthy last */
	int64_t up_since, restart_at; /* CLOCK_MONOTONIC */
	struct child_death last[CHILD_DEATHS];
	size_t n_last;
	struct ev_timer timer;
};

static void happen(struct child *, enum child_event);

static void
arm(struct child *child, int64_t ms)
{
	ev_timer_stop(child->loop, &child->timer);
	ev_now_update(child->loop);
	ev_timer_set(&child->timer, (double)ms / 1000, 0.);
	ev_timer_start(child->loop, &child->timer);
}

static void
disarm(struct child *child)
{
	ev_timer_stop(child->loop, &child->timer);
}

/* Where both are one socket it is closed once. */
static void
close_ends(struct child *child)
{
	if (child->out_fd == child->in_fd)
		child->out_fd = -1;
	fd_close(&child->in_fd);
	fd_close(&child->out_fd);
}

/* ends: [0] its stdin, [1] its stdout, [2] and [3] ours of the two; -1: none. */
static int
open_ends(enum child_io io, int ends[4])
{
	int fds[2];
	if (io == CHILD_IO_SOCKET) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
			return -1;
		ends[0] = ends[1] = fds[1];
		ends[2] = ends[3] = fds[0];
	}
	if (io == CHILD_IO_PIPES || io == CHILD_IO_INPUT) {
		if (pipe2(fds, O_CLOEXEC) == -1)
			return -1;
		ends[0] = fds[0];
		ends[2] = fds[1];
	}
	if (io == CHILD_IO_PIPES) {
		if (pipe2(fds, O_CLOEXEC) == -1)
			return -1;
		ends[1] = fds[1];
		ends[3] = fds[0];
	}
	/* Ours alone: an end of a pipe or socket has flags of its own. */
	for (int i = 2; i < 4; i++) {
		if (ends[i] != -1)
			fd_nonblock(ends[i]);
	}
	return 0;
}

static void
note_death(struct child *child, const char *text)
{
	size_t kept = child->n_last < CHILD_DEATHS ? child->n_last : CHILD_DEATHS - 1;
	memmove(&child->last[1], &child->last[0], kept * sizeof(child->last[0]));
	child->n_last = kept + 1;
	struct child_death *death = &child->last[0];
	death->wall_ns = clk_wall_ns();
	death->up_ms = child->ran ? clk_mono_ms() - child->up_since : 0;
	snprintf(death->text, sizeof(death->text), "%s", text);
	child->deaths++;
	child->in_a_row++;
}

/* The last line that is not empty; "" where there is none. */
static void
last_line(const struct job_result *result, char *out, size_t size)
{
	const char *p = result->output;
	size_t end = result->output_len, begin;
	while (end > 0 && (p[end - 1] == '\n' || p[end - 1] == '\r'))
		end--;
	for (begin = end; begin > 0 && p[begin - 1] != '\n';)
		begin--;
	size_t n = end - begin < size - 1 ? end - begin : size - 1;
	memcpy(out, p + begin, n);
	out[n] = '\0';
}

static void
describe(const struct job_result *result, char *text, size_t size)
{
	char line[160], how[64];
	if (result->outcome == WIRE_EXEC_FAILED) {
		snprintf(text, size, "%s", result->text);
		return;
	}
	if (result->outcome == WIRE_SIGNAL)
		snprintf(how, sizeof(how), "signal %d (%s)", result->code,
		    strsignal(result->code));
	else
		snprintf(how, sizeof(how), "exit %d", result->code);
	last_line(result, line, sizeof(line));
	snprintf(text, size, "%s%s%s", how, *line ? ": " : "", line);
}

static void
on_started(void *ctx, pid_t pid)
{
	struct child *child = ctx;
	child->pid = pid;
	happen(child, EVENT_READY);
}

static void
on_ended(void *ctx, const struct job_result *result)
{
	struct child *child = ctx;
	char text[256];
	child->job = 0;
	child->pid = 0;
	/* Of a stop that was asked for nothing is kept. */
	if (child->state != CHILD_STOPPING) {
		describe(result, text, sizeof(text));
		note_death(child, *child->why ? child->why : text);
	}
	happen(child, EVENT_EXIT);
}

static int
start_job(struct child *child, struct spawn_error *error)
{
	const struct job_owner owner = { on_started, on_ended, child };
	int ends[4] = { -1, -1, -1, -1 };
	int result = -1;
	if (open_ends(child->spec.io, ends) == -1) {
		*error = (struct spawn_error){ SPAWN_PIPE, errno };
		goto out;
	}
	struct job_spec spec = {
		.id = jobs_own_id(child->jobs),
		.subject = child->subject,
		.argv = child->argv.v,
		.env = &child->env,
		.cwd = child->cwd,
		.user = child->spec.user,
		.grace_ms = child->spec.grace_ms,
		.in_fd = ends[0] == -1 ? 0 : ends[0],
		.out_fd = ends[1] == -1 ? 0 : ends[1],
		.owner = &owner,
	};
	result = jobs_start(child->jobs, &spec, error);
	child->job = spec.id;
out:
	child->in_fd = ends[2];
	child->out_fd = ends[3];
	if (ends[1] == ends[0])
		ends[1] = -1;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return result;
}

static void
launch(struct child *child)
{
	struct spawn_error error;
	char text[256];
	disarm(child);
	child->ran = false;
	child->why[0] = '\0';
	child->state = CHILD_STARTING;
	if (start_job(child, &error) == 0)
		return;
	child->job = 0;
	spawn_error_format(&error, child->argv.v[0], text, sizeof(text));
	note_death(child, text);
	happen(child, EVENT_EXIT);
}

static void
come_up(struct child *child)
{
	int in_fd = child->in_fd, out_fd = child->out_fd;
	child->in_fd = child->out_fd = -1;
	child->state = CHILD_UP;
	child->ran = true;
	child->starts++;
	child->up_since = clk_mono_ms();
	arm(child, child->spec.healthy_ms);
	log_info("%s: started", child->subject);
	child->hooks.up(child->hooks.ctx, in_fd, out_fd);
}

static void
forgive(struct child *child)
{
	child->in_a_row = 0;
}

static void
retry_later(struct child *child)
{
	int64_t delay = child_delay(
	    child->in_a_row, child->spec.backoff_ms, child->spec.backoff_max_ms);
	char wait[32];
	close_ends(child);
	child->state = CHILD_BACKOFF;
	child->restart_at = clk_mono_ms() + delay;
	arm(child, delay);
	log_warnx("%s: ended: %s (next start in %s)", child->subject, child->last[0].text,
	    clk_format_duration(delay, wait, sizeof(wait)));
	if (child->ran)
		child->hooks.down(child->hooks.ctx, &child->last[0]);
}

static void
terminate(struct child *child)
{
	jobs_end(child->jobs, child->job);
}

static void
begin_stop(struct child *child)
{
	child->state = CHILD_STOPPING;
	disarm(child);
	close_ends(child);
	if (child->spec.linger_ms == 0) {
		terminate(child);
		return;
	}
	arm(child, child->spec.linger_ms);
	if (child->ran && child->hooks.ending)
		child->hooks.ending(child->hooks.ctx);
}

static void
rest(struct child *child)
{
	disarm(child);
	child->state = CHILD_DOWN;
}

static void
want_again(struct child *child)
{
	child->wanted = true;
}

/* Wanted again meanwhile: as after a death, but now.  The hook may free the child. */
static void
end_stop(struct child *child)
{
	rest(child);
	if (child->wanted) {
		child->state = CHILD_BACKOFF;
		child->restart_at = clk_mono_ms();
		arm(child, 0);
	}
	log_info("%s: stopped", child->subject);
	child->hooks.down(child->hooks.ctx, NULL);
}

static void (*const table[CHILD_STATE_MAX][EVENT_MAX])(struct child *) = {
	[CHILD_DOWN] = {
		[EVENT_START] = launch,
	},
	[CHILD_STARTING] = {
		[EVENT_READY] = come_up,
		[EVENT_EXIT] = retry_later,
		[EVENT_STOP] = begin_stop,
	},
	[CHILD_UP] = {
		[EVENT_EXIT] = retry_later,
		[EVENT_TIMEOUT] = forgive,
		[EVENT_STOP] = begin_stop,
	},
	[CHILD_STOPPING] = {
		[EVENT_START] = want_again,
		[EVENT_EXIT] = end_stop,
		[EVENT_TIMEOUT] = terminate,
	},
	[CHILD_BACKOFF] = {
		[EVENT_START] = launch,
		[EVENT_TIMEOUT] = launch,
		[EVENT_STOP] = rest,
	},
};

static void
happen(struct child *child, enum child_event event)
{
	if (table[child->state][event])
		table[child->state][event](child);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	happen(timer->data, EVENT_TIMEOUT);
}

struct child *
child_new(struct ev_loop *loop, struct jobs *jobs, const struct child_spec *spec,
    const struct child_hooks *hooks)
{
	struct child *child = xcalloc(1, sizeof(*child));
	child->loop = loop;
	child->jobs = jobs;
	child->hooks = *hooks;
	child->spec = *spec;
	child->subject = xstrdup(spec->subject);
	child->cwd = spec->cwd ? xstrdup(spec->cwd) : NULL;
	for (size_t i = 0; i < spec->argv->n; i++)
		strlist_add(&child->argv, spec->argv->v[i]);
	env_init(&child->env, NULL);
	for (size_t i = 0; i < spec->env->n; i++)
		env_put(&child->env, spec->env->v[i]);
	child->in_fd = child->out_fd = -1;
	ev_init(&child->timer, on_timer);
	child->timer.data = child;
	return child;
}

void
child_free(struct child *child)
{
	if (!child)
		return;
	disarm(child);
	if (child->job != 0)
		jobs_abandon(child->jobs, child->job);
	close_ends(child);
	strlist_release(&child->argv);
	env_release(&child->env);
	free(child->subject);
	free(child->cwd);
	free(child);
}

void
child_start(struct child *child)
{
	happen(child, EVENT_START);
}

void
child_stop(struct child *child)
{
	child->wanted = false;
	happen(child, EVENT_STOP);
}

void
child_fail(struct child *child, const char *why)
{
	if (child->state != CHILD_UP)
		return;
	snprintf(child->why, sizeof(child->why), "%s", why);
	terminate(child);
}

bool
child_is_down(const struct child *child)
{
	return child->state == CHILD_DOWN;
}

void
child_get_info(const struct child *child, struct child_info *info)
{
	*info = (struct child_info){
		.state = child->state,
		.pid = child->pid,
		.starts = child->starts,
		.deaths = child->deaths,
		.restart_in_ms = -1,
		.n_last = child->n_last,
	};
	memcpy(info->last, child->last, sizeof(info->last));
	if (child->state == CHILD_BACKOFF)
		info->restart_in_ms = child->restart_at - clk_mono_ms();
}

const char *
child_state_name(enum child_state state)
{
	return (unsigned)state < CHILD_STATE_MAX ? state_names[state] : "?";
}

int64_t
child_delay(uint64_t deaths, int64_t backoff_ms, int64_t backoff_max_ms)
{
	int64_t delay = backoff_ms;
	while (deaths-- > 1 && delay < backoff_max_ms)
		delay = delay > backoff_max_ms / 2 ? backoff_max_ms : 2 * delay;
	return delay < backoff_max_ms ? delay : backoff_max_ms;
}
