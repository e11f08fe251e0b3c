/* SPDX-License-Identifier: ISC */
/*
 * A record gets its number when it is added, not when it is written.  So
 * records that were lost leave a hole in the numbers, and the gap record that
 * tells of them takes the last number of the hole: numbers never go back and
 * "count" before it are missing.  The gap is only in the output that has it.
 */
#include "eventlog/evlog.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "eventlog/journal.h"
#include "eventlog/outlet.h"

/* Within a loop turn, what has gathered is written when it is so much. */
#define WRITE_AT (64 * 1024)
#define KEEP (64 * 1024)
/* What one read of the kernel's queue adds fits on top, up to what may wait. */
#define CLOGGED (OUTLET_WAITING_MAX / 4)

struct evlog {
	struct journal journal;
	struct outlet out;
	enum config_format format;
	struct ev_loop *loop;
	struct ev_io writable;
	struct event_frame *frame;
	struct buf line, rendering;
	bool hurry; /* the next record is written as it is added */
	struct evlog_stats stats;
};

/* The record as a line, in log->line. */
static void
render(struct evlog *log, const struct event *event, uint64_t seq, char *id)
{
	int64_t now = clk_wall_ns();
	event_id(now, id);
	buf_shrink(&log->line, KEEP);
	event_render_json(&log->line, log->frame, event, seq, id, now);
}

static void
put_out(struct evlog *log, uint64_t seq)
{
	const struct buf *line = &log->line;
	if (log->format != FORMAT_JSON) {
		buf_shrink(&log->rendering, KEEP);
		if (event_convert(line->p, line->len, log->format, &log->rendering) == -1)
			return;
		line = &log->rendering;
	}
	outlet_put(&log->out, line->p, line->len, seq);
}

/* Tells of a hole, as its last record. */
static void
render_gap(struct evlog *log, const struct outlet *o, const char *cause)
{
	char id[EVENT_ID_SIZE];
	const struct event gap = { .type = EVENT_GAP, .cause = cause, .count = o->lost };
	render(log, &gap, o->lost_seq, id);
}

static void
count(struct evlog *log, enum event_type type)
{
	log->stats.records++;
	log->stats.by_type[type]++;
}

static int
write_waiting(struct evlog *log)
{
	struct outlet *o = &log->journal.outlet;
	if (journal_write(&log->journal) == -1)
		return -1;
	if (o->lost == 0)
		return 0;
	render_gap(log, o, "log-full");
	journal_link(&log->journal, &log->line);
	count(log, EVENT_GAP);
	outlet_forgive(o);
	journal_put(&log->journal, &log->line, o->lost_seq);
	return journal_write(&log->journal);
}

/* Said once when it begins and once when it ends. */
static void
note_failure(struct evlog *log)
{
	if (!log->stats.failing)
		log_warn("event log %s: cannot be written (records wait, up to 1 MiB)",
		    log->journal.dir);
	log->stats.failing = true;
	log->stats.error = errno;
	log->journal.outlet.stuck = true;
}

static void
note_success(struct evlog *log)
{
	if (log->stats.failing)
		log_info("event log %s: is written again (%llu records were dropped)",
		    log->journal.dir, (unsigned long long)log->journal.outlet.lost_ever);
	log->stats.failing = false;
	log->stats.error = 0;
}

static int
write_segment(struct evlog *log)
{
	if (!log->journal.dir || log->journal.outlet.waiting.len == 0)
		return 0;
	if (write_waiting(log) == -1) {
		note_failure(log);
		return -1;
	}
	note_success(log);
	journal_turn(&log->journal, clk_wall_ns());
	return 0;
}

static void
close_out(struct evlog *log)
{
	if (errno != EPIPE || log->journal.dir)
		log_warn("stdout: cannot be written (no records go there any more)");
	if (log->loop)
		ev_io_stop(log->loop, &log->writable);
	outlet_release(&log->out);
	log->stats.stdout_closed = true;
}

/* A gap takes its place when all before it is written. */
static int
drain_out(struct evlog *log)
{
	struct outlet *o = &log->out;
	if (outlet_write(o) == -1)
		return -1;
	if (o->lost == 0)
		return 0;
	render_gap(log, o, "slow-reader");
	outlet_forgive(o);
	put_out(log, o->lost_seq);
	return outlet_write(o);
}

/* 0: all written, or nobody to write to; -1: some waits. */
static int
write_out(struct evlog *log)
{
	if (log->out.fd == -1)
		return 0;
	int ret = drain_out(log);
	if (ret == -1 && errno != EAGAIN && errno != ENOSPC && errno != EDQUOT) {
		close_out(log);
		return 0;
	}
	if (!log->loop)
		return ret;
	if (ret == -1 && errno == EAGAIN)
		ev_io_start(log->loop, &log->writable);
	else
		ev_io_stop(log->loop, &log->writable);
	return ret;
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop;
	(void)events;
	write_out(io->data);
}

static int
open_segments(struct evlog *log)
{
	struct segment_end end;
	if (journal_open(&log->journal, &end) == -1)
		return -1;
	log->stats.seq = end.seq;
	if (end.torn == 0)
		return 0;
	const struct event gap = {
		.type = EVENT_GAP, .cause = "torn-record", .count = end.torn
	};
	log_warnx("event log %s: %llu torn records at its end (cut off, or left out)",
	    log->journal.dir, (unsigned long long)end.torn);
	evlog_add(log, &gap, NULL);
	return 0;
}

static void
open_out(struct evlog *log, const struct evlog_options *options)
{
	if (options->stdout_fd == -1 || options->format == FORMAT_NONE)
		return;
	if (outlet_open_shared(&log->out, options->stdout_fd) == -1) {
		close_out(log);
		return;
	}
	ev_io_init(&log->writable, on_writable, log->out.fd, EV_WRITE);
	log->writable.data = log;
	log->loop = options->loop;
}

static struct journal_limits
limits_of(const struct config *config)
{
	return (struct journal_limits){
		.size = config->events_segment_size,
		.age_ms = config->events_segment_age_ms,
		.chain = config->chain,
	};
}

struct evlog *
evlog_open(const struct evlog_options *options)
{
	struct evlog *log = xcalloc(1, sizeof(*log));
	const struct journal_limits limits = limits_of(options->config);
	log->format = options->format;
	log->frame = event_frame_new(options->config);
	journal_init(&log->journal, options->dir, &limits);
	outlet_init(&log->out);
	open_out(log, options);
	if (!log->journal.dir || open_segments(log) == 0)
		return log;
	int saved = errno;
	evlog_close(log, 0);
	errno = saved;
	return NULL;
}

static void
wait_for_reader(struct evlog *log, int64_t wait_ms)
{
	int64_t until = clk_mono_ms() + wait_ms;
	while (write_out(log) == -1 && errno == EAGAIN) {
		struct pollfd pfd = { .fd = log->out.fd, .events = POLLOUT };
		int64_t left = until - clk_mono_ms();
		if (left <= 0)
			return;
		poll(&pfd, 1, (int)left);
	}
}

void
evlog_close(struct evlog *log, int64_t wait_ms)
{
	if (!log)
		return;
	write_segment(log);
	wait_for_reader(log, wait_ms);
	if (log->journal.outlet.waiting.len > 0)
		log_warnx("event log %s: closed: the last records are lost: %s",
		    log->journal.dir, strerror(log->stats.error));
	if (log->loop)
		ev_io_stop(log->loop, &log->writable);
	journal_release(&log->journal);
	outlet_release(&log->out);
	event_frame_free(log->frame);
	buf_release(&log->line);
	buf_release(&log->rendering);
	free(log);
}

static bool
is_time_to_write(const struct evlog *log, const struct outlet *o)
{
	return !o->stuck && (log->hurry || o->waiting.len >= WRITE_AT);
}

uint64_t
evlog_add(struct evlog *log, const struct event *event, char id_out[EVENT_ID_SIZE])
{
	char id[EVENT_ID_SIZE];
	uint64_t seq = ++log->stats.seq;
	render(log, event, seq, id);
	count(log, event->type);
	journal_link(&log->journal, &log->line);
	if (log->journal.dir)
		journal_put(&log->journal, &log->line, seq);
	if (log->out.fd != -1)
		put_out(log, seq);
	if (id_out)
		memcpy(id_out, id, EVENT_ID_SIZE);
	if (is_time_to_write(log, &log->journal.outlet))
		write_segment(log);
	if (is_time_to_write(log, &log->out))
		write_out(log);
	log->hurry = false;
	return seq;
}

void
evlog_hurry(struct evlog *log)
{
	log->hurry = true;
}

void
evlog_skip(struct evlog *log, uint64_t seq)
{
	const struct event gap = {
		.type = EVENT_GAP, .cause = "lost-tail", .count = seq - log->stats.seq
	};
	if (seq <= log->stats.seq)
		return;
	log_warnx("event log: %llu records at its end are lost (a gap tells of them)",
	    (unsigned long long)gap.count);
	log->stats.seq = seq - 1;
	evlog_add(log, &gap, NULL);
}

int
evlog_flush(struct evlog *log)
{
	int ret = write_segment(log);
	int saved = errno;
	write_out(log);
	log->hurry = false;
	errno = saved;
	return ret;
}

bool
evlog_clogged(const struct evlog *log)
{
	return log->loop && ev_is_active(&log->writable) &&
	    log->out.waiting.len >= CLOGGED;
}

void
evlog_configure(struct evlog *log, const struct config *config)
{
	const struct journal_limits limits = limits_of(config);
	journal_limit(&log->journal, &limits);
	event_frame_free(log->frame);
	log->frame = event_frame_new(config);
}

int
evlog_rotate(struct evlog *log)
{
	if (!log->journal.dir)
		return 0;
	if (write_segment(log) == -1)
		return -1;
	return journal_rotate(&log->journal, log->stats.seq + 1);
}

void
evlog_stats(const struct evlog *log, struct evlog_stats *stats)
{
	*stats = log->stats;
	stats->dropped = log->journal.outlet.lost_ever;
	stats->left_out = log->out.lost_ever;
	stats->begun = log->journal.begun;
	stats->bytes = log->journal.outlet.written;
}
