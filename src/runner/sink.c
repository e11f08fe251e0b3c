/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/sink.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/options.h"
#include "runner/ack.h"
#include "runner/child.h"
#include "runner/env.h"
#include "runner/feeder.h"
#include "runner/progress.h"
#include "runner/spawn.h"

extern char **environ;

#define HEALTHY_MS (60 * 1000)
/* How often what has moved is written and told. */
#define TELL_S 0.5
/* What it says at its end is read for so many blocks. */
#define LAST_READS 64

struct sink {
	struct ev_loop *loop;
	struct sink_hooks hooks;
	char *name, *said; /* said: its section, to see whether it changed */
	bool acks;
	enum config_start start;
	struct spawn_user *user;
	struct child *child;
	struct feeder *feeder;
	struct progress has; /* has.seq: the last record that it has */
	struct ack ack;
	bool begun;	  /* has is known: it may be fed */
	uint64_t last;	  /* of the records in the log */
	struct ev_io out; /* its acknowledgements; fd -1: none */
	struct ev_timer teller;
	char error[256];	/* why it cannot be started at all; "" */
	struct child_info info; /* what a report points into */
};

/* While all is well and told nothing wakes up. */
static bool
is_quiet(const struct sink *sink)
{
	struct child_info info;
	child_get_info(sink->child, &info);
	return !sink->has.unsaved && sink->has.seq >= sink->last &&
	    (info.state == CHILD_UP || info.state == CHILD_DOWN);
}

static void
tell_later(struct sink *sink)
{
	if (ev_is_active(&sink->teller))
		return;
	ev_timer_set(&sink->teller, TELL_S, 0.);
	ev_timer_start(sink->loop, &sink->teller);
}

static void
look_what_was_taken(struct sink *sink)
{
	if (!sink->acks)
		progress_move(&sink->has, feeder_taken(sink->feeder));
}

/*
 * What it has can no more be known of one that has closed its stdout.  It is not
 * ended at once: most die then, and that is the better reason.
 */
static void
look_whether_it_can_acknowledge(struct sink *sink)
{
	if (sink->acks && feeder_is_open(sink->feeder) && sink->out.fd == -1)
		child_fail(sink->child, "it closed its output");
}

static void
on_tell(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct sink *sink = timer->data;
	look_whether_it_can_acknowledge(sink);
	look_what_was_taken(sink);
	progress_save(&sink->has);
	if (!is_quiet(sink))
		tell_later(sink);
	sink->hooks.changed(sink->hooks.ctx, sink);
}

static void
take_acks(struct sink *sink, const char *p, size_t n)
{
	char why[128];
	uint64_t seq;
	int found = ack_feed(&sink->ack, p, n, &seq);
	if (found == -1) {
		snprintf(why, sizeof(why), "it said '%s' where ack SEQ was wanted",
		    sink->ack.line);
		ack_init(&sink->ack);
		child_fail(sink->child, why);
	} else if (found == 1 && seq > feeder_fed(sink->feeder)) {
		snprintf(why, sizeof(why), "it acknowledged %llu, which it was not given",
		    (unsigned long long)seq);
		child_fail(sink->child, why);
	} else if (found == 1) {
		progress_move(&sink->has, seq);
		tell_later(sink);
	}
}

static void
close_output(struct sink *sink)
{
	int fd = sink->out.fd;
	ev_io_stop(sink->loop, &sink->out);
	fd_close(&fd);
	sink->out.fd = -1;
}

static void
lose_output(struct sink *sink)
{
	close_output(sink);
	tell_later(sink);
}

/* false where there is nothing more now. */
static bool
read_acks(struct sink *sink)
{
	char block[4096];
	ssize_t n = read(sink->out.fd, block, sizeof(block));
	if (n > 0)
		take_acks(sink, block, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		lose_output(sink);
	return n > 0;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	read_acks(io->data);
}

static void
on_up(void *ctx, int in_fd, int out_fd)
{
	struct sink *sink = ctx;
	ack_init(&sink->ack);
	if (out_fd != -1) {
		ev_io_set(&sink->out, out_fd, EV_READ);
		ev_io_start(sink->loop, &sink->out);
	}
	feeder_open(sink->feeder, in_fd, sink->has.seq);
	uint64_t missed = feeder_missed(sink->feeder);
	if (missed > 0)
		log_warnx("sink %s: %llu records before %llu are not kept any more",
		    sink->name, (unsigned long long)missed,
		    (unsigned long long)(sink->has.seq + missed + 1));
	sink->hooks.changed(sink->hooks.ctx, sink);
}

/* Nothing of it runs: what it said last is all there in the pipe. */
static void
end_run(struct sink *sink)
{
	look_what_was_taken(sink);
	for (int i = 0; i < LAST_READS && sink->out.fd != -1 && read_acks(sink); i++)
		continue;
	feeder_close(sink->feeder);
	close_output(sink);
	progress_save(&sink->has);
}

static void
on_down(void *ctx, const struct child_death *death)
{
	struct sink *sink = ctx;
	end_run(sink);
	if (death)
		tell_later(sink);
	sink->hooks.changed(sink->hooks.ctx, sink);
	if (!death)
		sink->hooks.down(sink->hooks.ctx, sink);
}

static void
on_looked(void *ctx)
{
	struct sink *sink = ctx;
	if (!is_quiet(sink))
		tell_later(sink);
}

static void
on_refused(void *ctx)
{
	struct sink *sink = ctx;
	child_fail(sink->child, "it closed its input");
}

static void
on_ending(void *ctx)
{
	struct sink *sink = ctx;
	feeder_feed(sink->feeder);
	look_what_was_taken(sink);
	feeder_close(sink->feeder);
}

static char *
describe(const struct config *config, const struct sink_config *section)
{
	struct buf out = BUF_INIT;
	buf_addf(&out, "%s\n%s\n", config->project, config->state_dir);
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].scope != OPTION_SINK)
			continue;
		option_format(&options[i], section, &out);
		buf_addc(&out, '\n');
	}
	return out.p;
}

static struct child *
make_child(struct sink *sink, struct jobs *jobs, const struct config *config,
    const struct sink_config *section)
{
	const struct child_hooks hooks = { on_up, on_down, on_ending, sink };
	char *subject = xasprintf("sink %s", section->name);
	struct env env;
	env_init(&env, environ);
	env_set(&env, "FILEMON_SINK", section->name);
	env_set(&env, "FILEMON_PROJECT", config->project);
	env_set(&env, "FILEMON_SOCKET", config->control_socket);
	for (size_t i = 0; i < section->env.n; i++)
		env_put(&env, section->env.v[i]);
	const struct child_spec spec = {
		.subject = subject,
		.argv = &section->command,
		.env = &env,
		.cwd = section->cwd ? section->cwd : config->project,
		.user = sink->user,
		.io = section->ack ? CHILD_IO_PIPES : CHILD_IO_INPUT,
		.linger_ms = section->stop_grace_ms,
		.grace_ms = section->stop_grace_ms,
		.backoff_ms = section->backoff_ms,
		.backoff_max_ms = section->backoff_max_ms,
		.healthy_ms = HEALTHY_MS,
	};
	struct child *child = child_new(sink->loop, jobs, &spec, &hooks);
	env_release(&env);
	free(subject);
	return child;
}

static struct feeder *
make_feeder(struct sink *sink, struct jobs *jobs, const struct config *config,
    const struct sink_config *section)
{
	const struct feeder_hooks hooks = { on_looked, on_refused, sink };
	char *subject = xasprintf("sink %s", section->name);
	char *dir = xasprintf("%s/events", config->state_dir);
	const struct feeder_spec spec = { subject, dir, section->backoff_ms,
		section->backoff_max_ms };
	struct feeder *feeder = feeder_new(sink->loop, jobs, &spec, &hooks);
	free(dir);
	free(subject);
	return feeder;
}

static void
init_loop(struct sink *sink)
{
	ev_io_init(&sink->out, on_readable, -1, EV_READ);
	ev_init(&sink->teller, on_tell);
	sink->out.data = sink->teller.data = sink;
}

struct sink *
sink_new(struct ev_loop *loop, struct jobs *jobs, const struct config *config,
    const struct sink_config *section, const struct sink_hooks *hooks)
{
	struct sink *sink = xcalloc(1, sizeof(*sink));
	sink->loop = loop;
	sink->hooks = *hooks;
	sink->name = xstrdup(section->name);
	sink->said = describe(config, section);
	sink->acks = section->ack;
	sink->start = section->start;
	sink->user = section->user ? spawn_user_new(section->user) : NULL;
	if (section->user && !sink->user)
		snprintf(sink->error, sizeof(sink->error), "user %s: %s", section->user,
		    strerror(errno));
	progress_init(&sink->has, config->state_dir, sink->name);
	init_loop(sink);
	sink->feeder = make_feeder(sink, jobs, config, section);
	sink->child = make_child(sink, jobs, config, section);
	return sink;
}

void
sink_free(struct sink *sink)
{
	if (!sink)
		return;
	end_run(sink);
	ev_timer_stop(sink->loop, &sink->teller);
	child_free(sink->child);
	feeder_free(sink->feeder);
	progress_release(&sink->has);
	spawn_user_free(sink->user);
	free(sink->name);
	free(sink->said);
	free(sink);
}

const char *
sink_name(const struct sink *sink)
{
	return sink->name;
}

bool
sink_is(const struct sink *sink, const struct config *config,
    const struct sink_config *section)
{
	char *said = describe(config, section);
	bool same =
	    strcmp(sink->name, section->name) == 0 && strcmp(sink->said, said) == 0;
	free(said);
	return same;
}

void
sink_log(struct sink *sink, uint64_t last)
{
	sink->last = last;
	if (*sink->error)
		return;
	if (!sink->begun) {
		progress_begin(&sink->has, sink->start == START_NOW ? last : 0, last);
		sink->begun = true;
		child_start(sink->child);
		tell_later(sink);
	}
	feeder_log(sink->feeder, last);
	on_looked(sink);
}

void
sink_stop(struct sink *sink)
{
	child_stop(sink->child);
}

bool
sink_is_down(const struct sink *sink)
{
	return child_is_down(sink->child);
}

void
sink_report(struct sink *sink, struct wire_msg *msg)
{
	child_get_info(sink->child, &sink->info);
	const char *error = *sink->error ? sink->error : feeder_error(sink->feeder);
	if (!*error && sink->info.n_last > 0 && sink->info.state != CHILD_UP)
		error = sink->info.last[0].text;
	*msg = (struct wire_msg){
		.type = WIRE_SINK,
		.name = sink->name,
		.state = child_state_name(sink->info.state),
		.pid = sink->info.pid,
		.seq = sink->has.seq,
		.fed = feeder_is_open(sink->feeder) ? feeder_fed(sink->feeder)
						    : sink->has.seq,
		.starts = sink->info.starts,
		.deaths = sink->info.deaths,
		.missed = feeder_missed(sink->feeder),
		.wall_ns = sink->has.seq < sink->last
		    ? feeder_time_after(sink->feeder, sink->has.seq)
		    : 0,
		.text = error,
	};
}
