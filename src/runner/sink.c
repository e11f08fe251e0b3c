/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/sink.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/options.h"
#include "runner/ack.h"
#include "runner/child.h"
#include "runner/env.h"
#include "runner/follow.h"
#include "runner/progress.h"
#include "runner/spawn.h"
#include "runner/unpacker.h"

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
	struct follow *follow;
	struct unpacker *unpacker;
	struct progress has; /* has.seq: the last record that it has */
	struct ack ack;
	bool begun;	      /* has is known: it may be fed */
	bool failed;	      /* the log could not be read: it is tried again */
	uint64_t last;	      /* of the records in the log */
	struct ev_io in, out; /* its stdin, its acknowledgements; fd -1: none */
	struct ev_timer more, teller;
	char error[256];
	struct child_info info; /* what a report points into */
};

static void feed(struct sink *);

static void
close_io(struct sink *sink, struct ev_io *io)
{
	int fd = io->fd;
	ev_io_stop(sink->loop, io);
	fd_close(&fd);
	io->fd = -1;
}

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

/* What waits in the pipe it has not. */
static void
look_what_was_taken(struct sink *sink)
{
	int unread = 0;
	if (sink->acks || sink->in.fd == -1 ||
	    ioctl(sink->in.fd, FIONREAD, &unread) == -1)
		return;
	progress_move(&sink->has, follow_taken(sink->follow, (size_t)unread));
}

/*
 * What it has can no more be known of one that has closed its stdout.  It is not
 * ended at once: most die then, and that is the better reason.
 */
static void
look_whether_it_can_acknowledge(struct sink *sink)
{
	if (sink->acks && sink->in.fd != -1 && sink->out.fd == -1)
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
	if (sink->failed)
		feed(sink);
	if (!is_quiet(sink))
		tell_later(sink);
	sink->hooks.changed(sink->hooks.ctx, sink);
}

static void
feed_again(struct sink *sink)
{
	ev_timer_stop(sink->loop, &sink->more);
	ev_timer_set(&sink->more, 0., 0.);
	ev_timer_start(sink->loop, &sink->more);
}

static void
feed(struct sink *sink)
{
	if (sink->in.fd == -1)
		return;
	enum follow_end end = follow_feed(sink->follow, sink->in.fd, sink->last);
	int error = errno;
	sink->failed = end == FOLLOW_FAILED;
	if (end == FOLLOW_FULL)
		ev_io_start(sink->loop, &sink->in);
	else
		ev_io_stop(sink->loop, &sink->in);
	if (end == FOLLOW_MORE)
		feed_again(sink);
	if (end == FOLLOW_PACKED)
		unpacker_start(sink->unpacker, follow_wants(sink->follow));
	if (end == FOLLOW_GONE)
		child_fail(sink->child, "it closed its input");
	if (end != FOLLOW_FAILED && end != FOLLOW_PACKED)
		sink->error[0] = '\0';
	if (end == FOLLOW_FAILED && !*sink->error)
		log_warnx("sink %s: the event log cannot be read: %s (tried again)",
		    sink->name, strerror(error));
	if (end == FOLLOW_FAILED)
		snprintf(
		    sink->error, sizeof(sink->error), "event log: %s", strerror(error));
	if (!is_quiet(sink))
		tell_later(sink);
}

static void
on_unpacked(void *ctx, int fd, uint64_t lost)
{
	struct sink *sink = ctx;
	if (lost > 0)
		log_warnx("sink %s: event segment %llu: it is damaged (%llu records are "
			  "left out)",
		    sink->name, (unsigned long long)follow_wants(sink->follow)->first,
		    (unsigned long long)lost);
	follow_give(sink->follow, fd, lost);
	feed(sink);
}

static void
on_unpack_failed(void *ctx, const char *why)
{
	struct sink *sink = ctx;
	if (!*sink->error)
		log_warnx(
		    "sink %s: event segment %llu: cannot be decompressed: %s (tried "
		    "again)",
		    sink->name, (unsigned long long)follow_wants(sink->follow)->first,
		    why);
	snprintf(sink->error, sizeof(sink->error), "event log: %s", why);
	tell_later(sink);
}

static void
on_unpack_again(void *ctx)
{
	struct sink *sink = ctx;
	follow_look_again(sink->follow);
	feed(sink);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	feed(io->data);
}

static void
on_more(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	feed(timer->data);
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
	} else if (found == 1 && seq > follow_fed(sink->follow)) {
		snprintf(why, sizeof(why), "it acknowledged %llu, which it was not given",
		    (unsigned long long)seq);
		child_fail(sink->child, why);
	} else if (found == 1) {
		progress_move(&sink->has, seq);
		tell_later(sink);
	}
}

static void
lose_output(struct sink *sink)
{
	close_io(sink, &sink->out);
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
	follow_seek(sink->follow, sink->has.seq);
	sink->error[0] = '\0';
	ev_io_set(&sink->in, in_fd, EV_WRITE);
	if (out_fd != -1) {
		ev_io_set(&sink->out, out_fd, EV_READ);
		ev_io_start(sink->loop, &sink->out);
	}
	feed(sink);
	if (follow_missed(sink->follow) > 0)
		log_warnx("sink %s: %llu records before %llu are not kept any more",
		    sink->name, (unsigned long long)follow_missed(sink->follow),
		    (unsigned long long)(sink->has.seq + follow_missed(sink->follow) +
			1));
	sink->hooks.changed(sink->hooks.ctx, sink);
}

/* Nothing of it runs: what it said last is all there in the pipe. */
static void
end_run(struct sink *sink)
{
	look_what_was_taken(sink);
	for (int i = 0; i < LAST_READS && sink->out.fd != -1 && read_acks(sink); i++)
		continue;
	ev_timer_stop(sink->loop, &sink->more);
	unpacker_stop(sink->unpacker);
	close_io(sink, &sink->in);
	close_io(sink, &sink->out);
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
on_ending(void *ctx)
{
	struct sink *sink = ctx;
	feed(sink);
	look_what_was_taken(sink);
	ev_timer_stop(sink->loop, &sink->more);
	unpacker_stop(sink->unpacker);
	close_io(sink, &sink->in);
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

static struct unpacker *
make_unpacker(struct sink *sink, struct jobs *jobs, const char *dir,
    const struct sink_config *section)
{
	const struct unpacker_hooks hooks = { on_unpacked, on_unpack_failed,
		on_unpack_again, sink };
	char *subject = xasprintf("sink %s", section->name);
	const struct unpacker_spec spec = { subject, dir, section->backoff_ms,
		section->backoff_max_ms };
	struct unpacker *unpacker = unpacker_new(sink->loop, jobs, &spec, &hooks);
	free(subject);
	return unpacker;
}

static void
init_loop(struct sink *sink)
{
	ev_io_init(&sink->in, on_writable, -1, EV_WRITE);
	ev_io_init(&sink->out, on_readable, -1, EV_READ);
	ev_init(&sink->more, on_more);
	ev_init(&sink->teller, on_tell);
	sink->in.data = sink->out.data = sink->more.data = sink->teller.data = sink;
}

struct sink *
sink_new(struct ev_loop *loop, struct jobs *jobs, const struct config *config,
    const struct sink_config *section, const struct sink_hooks *hooks)
{
	struct sink *sink = xcalloc(1, sizeof(*sink));
	char *dir = xasprintf("%s/events", config->state_dir);
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
	sink->follow = follow_new(dir);
	sink->unpacker = make_unpacker(sink, jobs, dir, section);
	progress_init(&sink->has, config->state_dir, sink->name);
	init_loop(sink);
	sink->child = make_child(sink, jobs, config, section);
	free(dir);
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
	unpacker_free(sink->unpacker);
	follow_free(sink->follow);
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
	bool first = !sink->begun;
	sink->last = last;
	if (*sink->error && !sink->user && first)
		return;
	if (first) {
		progress_begin(&sink->has, sink->start == START_NOW ? last : 0, last);
		sink->begun = true;
		child_start(sink->child);
		tell_later(sink);
	}
	feed(sink);
	if (!is_quiet(sink))
		tell_later(sink);
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
	const char *error = sink->error;
	if (!*error && sink->info.n_last > 0 && sink->info.state != CHILD_UP)
		error = sink->info.last[0].text;
	*msg = (struct wire_msg){
		.type = WIRE_SINK,
		.name = sink->name,
		.state = child_state_name(sink->info.state),
		.pid = sink->info.pid,
		.seq = sink->has.seq,
		.fed = sink->in.fd == -1 ? sink->has.seq : follow_fed(sink->follow),
		.starts = sink->info.starts,
		.deaths = sink->info.deaths,
		.missed = follow_missed(sink->follow),
		.wall_ns = sink->has.seq < sink->last
		    ? follow_time_after(sink->follow, sink->has.seq)
		    : 0,
		.text = error,
	};
}
