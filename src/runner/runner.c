/* SPDX-License-Identifier: ISC */
#include "runner/runner.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/xmalloc.h"
#include "conf/accepted.h"
#include "runner/alarm.h"
#include "runner/cgroup.h"
#include "runner/hasher.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "runner/order.h"
#include "runner/programs.h"
#include "runner/runs.h"
#include "runner/sinks.h"
#include "runner/token.h"
#include "wire/wire.h"

/* At the end of its life, for processes that are slow to die. */
#define END_ALL_MS 10000

struct runner {
	const struct runner_setup *setup;
	struct orders *orders;
	struct ev_loop *loop;
	struct wire *wire;
	struct jobs *jobs;
	struct sinks *sinks;
	struct alarms *alarms;
	struct token *token;
	char *token_tags; /* of the last valid token; NULL: none yet */
	struct runs *runs;
	struct cgroups *cgroups;
	struct hasher *hasher; /* NULL: nobody asked yet */
	struct ev_io life;
	struct ev_signal sigterm;
	pid_t parent;
	bool stopping, stopped;
};

static void
say_missing(const char *line)
{
	log_warnx("%s", line);
}

static void
set_config(struct runner *r, struct config *config)
{
	orders_free(r->orders);
	r->orders = orders_new(config, r->cgroups);
	log_set_level((enum log_level)config->log_level);
	programs_check(config, say_missing);
}

/* The loop ends, and with it everything that runs. */
static void
leave(struct runner *r)
{
	ev_break(r->loop, EVBREAK_ALL);
}

static void
say(struct runner *r, const struct wire_msg *msg)
{
	if (!wire_send(r->wire, msg))
		leave(r);
}

/* Nobody waits for that: with others it costs the watcher less. */
static void
on_answer(void *ctx, const struct wire_msg *msg, bool may_wait)
{
	struct runner *r = ctx;
	if (!may_wait)
		say(r, msg);
	else if (!wire_gather(r->wire, msg))
		leave(r);
}

static void
on_run(struct runner *r, const struct wire_msg *msg)
{
	runs_ask(r->runs, msg);
}

static void
on_pack(struct runner *r, const struct wire_msg *msg)
{
	runs_pack(r->runs, msg);
}

static void
on_drop(struct runner *r, const struct wire_msg *msg)
{
	runs_drop(r->runs, msg->id);
}

static void
on_stop(struct runner *r, const struct wire_msg *msg)
{
	(void)msg;
	r->stopping = true;
	sinks_stop(r->sinks);
	alarms_stop(r->alarms);
	token_stop(r->token);
	runs_stop(r->runs);
	if (r->hasher)
		hasher_stop(r->hasher);
	jobs_stop(r->jobs);
}

static void
on_content(void *ctx, uint64_t id, const struct content *content)
{
	say(ctx,
	    &(struct wire_msg){ .type = WIRE_CONTENT, .id = id, .content = *content });
}

/* The helper refuses what is not below root. */
static void
on_read(struct runner *r, const struct wire_msg *msg)
{
	const struct config *config = orders_config(r->orders);
	const struct hasher_hooks hooks = { on_content, r };
	if (r->stopping || msg->root >= config->roots.n) {
		on_content(r, msg->id,
		    &(struct content){ .state = CONTENT_UNAVAILABLE, .entropy = -1 });
		return;
	}
	if (!r->hasher)
		r->hasher = hasher_new(r->loop, r->jobs, &hooks);
	hasher_ask(r->hasher,
	    &(struct content_request){
		.id = msg->id,
		.max = config->checksum_max_size,
		.root = config->roots.v[msg->root],
		.path = msg->path,
	    });
}

/*
 * Both must have read the same: the file may change between their two looks.  And
 * whoever comes after a crash must find it.
 */
static struct config *
accept_config(struct runner *r, const char *digest, struct config_error *error)
{
	struct config_text text;
	struct config *config = config_load_text(r->setup->source, &text, error);
	bool good = config && strcmp(config->digest, digest) == 0;
	if (config && !good)
		snprintf(error->text, sizeof(error->text),
		    "the configuration changed while it was read");
	if (good && accepted_put(r->setup->accepted_fd, &text) == -1) {
		snprintf(error->text, sizeof(error->text), "it cannot be kept: %s",
		    strerror(errno));
		good = false;
	}
	config_text_release(&text);
	if (good)
		return config;
	config_free(config);
	return NULL;
}

static void
on_reload(struct runner *r, const struct wire_msg *msg)
{
	struct config_error error = { "" };
	struct config *config = accept_config(r, msg->text, &error);
	if (config) {
		set_config(r, config);
		runs_configure(r->runs, r->orders);
		sinks_configure(r->sinks, config);
		token_configure(r->token, config);
		if (r->token_tags)
			orders_retag(r->orders, r->token_tags);
	}
	say(r,
	    &(struct wire_msg){
		.type = WIRE_RELOADED,
		.code = config ? 0 : 1,
		.text = config ? config->digest : error.text,
	    });
}

int
runner_open_trace(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	int result = dup2(fd, STDERR_FILENO);
	close(fd);
	return result == -1 ? -1 : 0;
}

static void
on_reopen(struct runner *r, const struct wire_msg *msg)
{
	(void)msg;
	const char *path = r->setup->trace_log;
	if (path && runner_open_trace(path) == -1)
		log_warn("%s: cannot be reopened (the old one is written to)", path);
}

static void
on_log(struct runner *r, const struct wire_msg *msg)
{
	if (!r->stopping)
		sinks_log(r->sinks, msg->seq);
}

static void
on_alert(struct runner *r, const struct wire_msg *msg)
{
	if (!r->stopping)
		alarms_raise(r->alarms, orders_config(r->orders), msg);
}

static void
on_msg(void *ctx, const struct wire_msg *msg)
{
	static void (*const table[WIRE_TYPE_MAX])(
	    struct runner *, const struct wire_msg *) = {
		[WIRE_RUN] = on_run,
		[WIRE_PACK] = on_pack,
		[WIRE_DROP] = on_drop,
		[WIRE_STOP] = on_stop,
		[WIRE_RELOAD] = on_reload,
		[WIRE_REOPEN] = on_reopen,
		[WIRE_LOG] = on_log,
		[WIRE_ALERT] = on_alert,
		[WIRE_READ] = on_read,
	};
	struct runner *r = ctx;
	if (table[msg->type]) {
		table[msg->type](r, msg);
	} else {
		log_errorx("wire: message %d is not for the runner", (int)msg->type);
		leave(r);
	}
}

static void
on_close(void *ctx, const char *why)
{
	struct runner *r = ctx;
	if (!r->stopped)
		log_debug("watcher is gone: %s (all jobs are killed)", why);
	leave(r);
}

static void
on_started(void *ctx, uint64_t id, pid_t pid)
{
	say(ctx, &(struct wire_msg){ .type = WIRE_STARTED, .id = id, .pid = pid });
}

static void
on_ended(void *ctx, const struct job_result *result)
{
	struct runner *r = ctx;
	runs_ended(r->runs, result);
}

static void
on_sink(void *ctx, const struct wire_msg *msg)
{
	say(ctx, msg);
}

static void
on_token(void *ctx, int code, const char *text)
{
	struct runner *r = ctx;
	if (code == 0) {
		free(r->token_tags);
		r->token_tags = xstrdup(text);
		orders_retag(r->orders, text);
	}
	say(r, &(struct wire_msg){ .type = WIRE_TOKEN, .code = code, .text = text });
}

static void
on_stopped(void *ctx)
{
	struct runner *r = ctx;
	r->stopped = true;
	say(r, &(struct wire_msg){ .type = WIRE_STOPPED });
}

static void
on_life(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	char byte;
	if (read(io->fd, &byte, 1) != -1 || (errno != EAGAIN && errno != EINTR))
		leave(io->data);
}

/* Sent by the kernel when the supervisor dies; from others it means nothing. */
static void
on_sigterm(struct ev_loop *loop, struct ev_signal *signal, int events)
{
	(void)loop, (void)events;
	struct runner *r = signal->data;
	if (getppid() != r->parent)
		leave(r);
	else
		log_warnx(
		    "SIGTERM: ignored (the supervisor, pid %d, is to be told to stop)",
		    (int)r->parent);
}

/* Names the project in the marks of its jobs: what its lock guards. */
static void
name_family(const struct config *config, char *out, size_t size)
{
	struct stat st;
	out[0] = '\0';
	if (config->state_dir && stat(config->state_dir, &st) == 0)
		snprintf(
		    out, size, "%jx-%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
}

static void
watch_supervisor(struct runner *r)
{
	r->parent = getppid();
	ev_io_init(&r->life, on_life, r->setup->life_fd, EV_READ);
	r->life.data = r;
	if (r->setup->life_fd != -1)
		ev_io_start(r->loop, &r->life);
	ev_signal_init(&r->sigterm, on_sigterm, SIGTERM);
	r->sigterm.data = r;
	ev_signal_start(r->loop, &r->sigterm);
}

static void
release(struct runner *r)
{
	ev_io_stop(r->loop, &r->life);
	ev_signal_stop(r->loop, &r->sigterm);
	sinks_free(r->sinks);
	token_free(r->token);
	free(r->token_tags);
	hasher_free(r->hasher);
	jobs_free(r->jobs);
	runs_free(r->runs);
	alarms_free(r->alarms);
	wire_free(r->wire);
	cgroups_free(r->cgroups);
	orders_free(r->orders);
	ev_loop_destroy(r->loop);
}

/*
 * Not the default loop: that one reaps children itself, without their usage.  And
 * signals are read: a handler would break off the wait that then is begun again.
 */
int
runner_main(const struct runner_setup *setup)
{
	struct runner r = { .setup = setup,
		.loop = ev_loop_new(EVFLAG_NOENV | EVFLAG_SIGNALFD) };
	const struct jobs_events jobs_events = { on_started, on_ended, on_stopped, &r };
	const struct runs_hooks runs_hooks = { on_answer, &r };
	const struct sinks_hooks sinks_hooks = { on_sink, &r };
	const struct token_hooks token_hooks = { on_token, &r };
	char family[64];
	if (!r.loop)
		fatalx("runner: no event loop");
	loop_sleep_long(r.loop);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		fatal("runner: PR_SET_CHILD_SUBREAPER");
	name_family(setup->config, family, sizeof(family));
	r.cgroups = cgroups_new(setup->config->cgroup, family);
	set_config(&r, setup->config);
	watch_supervisor(&r);
	r.jobs = jobs_new(r.loop, family, &jobs_events);
	r.runs = runs_new(r.jobs, &runs_hooks);
	runs_configure(r.runs, r.orders);
	r.alarms = alarms_new(r.jobs);
	r.sinks = sinks_new(r.loop, r.jobs, &sinks_hooks);
	sinks_configure(r.sinks, orders_config(r.orders));
	r.wire = wire_new(r.loop, setup->wire_fd, on_msg, on_close, &r);
	say(&r,
	    &(struct wire_msg){
		.type = WIRE_READY, .text = orders_config(r.orders)->digest });
	say(&r,
	    &(struct wire_msg){ .type = WIRE_LIMITS, .text = cgroups_text(r.cgroups) });
	r.token = token_new(r.loop, r.jobs, &token_hooks);
	token_configure(r.token, orders_config(r.orders));
	mem_give_back();
	ev_run(r.loop, 0);
	size_t left = leftovers_end_all(END_ALL_MS);
	if (left > 0)
		log_warnx("%zu processes of handlers do not end", left);
	bool stopped = r.stopped;
	release(&r);
	return stopped ? 0 : 1;
}
