/* SPDX-License-Identifier: ISC */
#include "runner/output.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"

/* Of a longer line the beginning is logged. */
#define LINE_LEN_MAX 1000
#define SECOND_MS 1000

struct line {
	size_t len; /* of the line so far; only LINE_LEN_MAX are kept */
	char text[LINE_LEN_MAX + 1];
};

struct output {
	struct output_limits limits;
	char *subject;
	struct line lines[OUTPUT_STREAMS];
	int64_t second;	      /* when the present second began */
	unsigned this_second; /* lines logged in it */
	size_t logged;	      /* bytes, in this period */
	int64_t period;	      /* when it began */
	uint64_t unlogged;    /* lines */
	size_t tail_end;      /* where the next byte goes */
	bool tail_full;
	char tail[];
};

struct output *
output_new(const char *subject, const struct output_limits *limits)
{
	struct output *o = xcalloc(1, sizeof(*o) + limits->tail);
	o->limits = *limits;
	o->subject = xstrdup(subject);
	o->second = o->period = INT64_MIN;
	return o;
}

void
output_free(struct output *o)
{
	if (!o)
		return;
	free(o->subject);
	free(o);
}

/* A ring: the oldest bytes are overwritten. */
static void
keep(struct output *o, const char *p, size_t n)
{
	size_t size = o->limits.tail;
	if (n > size) {
		p += n - size;
		n = size;
	}
	size_t first = n < size - o->tail_end ? n : size - o->tail_end;
	memcpy(o->tail + o->tail_end, p, first);
	memcpy(o->tail, p + first, n - first);
	o->tail_full = o->tail_full || o->tail_end + n >= size;
	o->tail_end = size > 0 ? (o->tail_end + n) % size : 0;
}

static void
tell_unlogged(struct output *o)
{
	if (o->unlogged > 0)
		log_warnx("%s: %llu more lines not logged", o->subject,
		    (unsigned long long)o->unlogged);
	o->unlogged = 0;
}

static void
begin_period(struct output *o, int64_t now_ms)
{
	if (o->limits.period_ms == 0 ||
	    (o->period != INT64_MIN && now_ms - o->period < o->limits.period_ms))
		return;
	tell_unlogged(o);
	o->period = now_ms;
	o->logged = 0;
}

static bool
may_log(struct output *o, size_t len, int64_t now_ms)
{
	begin_period(o, now_ms);
	if (o->second == INT64_MIN || now_ms - o->second >= SECOND_MS) {
		o->second = now_ms;
		o->this_second = 0;
	}
	if (o->this_second >= o->limits.per_second ||
	    o->logged + len > o->limits.logged_max)
		return false;
	o->this_second++;
	o->logged += len;
	return true;
}

static void
log_line(struct output *o, enum output_stream stream, int64_t now_ms)
{
	struct line *line = &o->lines[stream];
	size_t len = line->len < LINE_LEN_MAX ? line->len : LINE_LEN_MAX;
	const char *more = line->len > LINE_LEN_MAX ? " ..." : "";
	line->text[len] = '\0';
	line->len = 0;
	if (len == 0)
		return;
	if (!may_log(o, len, now_ms))
		o->unlogged++;
	else if (stream == OUTPUT_STDERR)
		log_warnx("%s: %s%s", o->subject, line->text, more);
	else
		log_info("%s: %s%s", o->subject, line->text, more);
}

static void
add_to_line(struct line *line, const char *p, size_t n)
{
	if (line->len < LINE_LEN_MAX) {
		size_t room = LINE_LEN_MAX - line->len;
		memcpy(line->text + line->len, p, n < room ? n : room);
	}
	line->len += n;
}

void
output_add(
    struct output *o, enum output_stream stream, const char *p, size_t n, int64_t now_ms)
{
	struct line *line = &o->lines[stream];
	const char *newline;
	keep(o, p, n);
	while (n > 0 && (newline = memchr(p, '\n', n))) {
		size_t len = (size_t)(newline - p);
		add_to_line(line, p, len);
		log_line(o, stream, now_ms);
		n -= len + 1;
		p = newline + 1;
	}
	if (n > 0)
		add_to_line(line, p, n);
}

void
output_end(struct output *o, int64_t now_ms)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (o->lines[i].len > 0)
			log_line(o, (enum output_stream)i, now_ms);
	}
	tell_unlogged(o);
}

size_t
output_tail(const struct output *o, char *out)
{
	size_t older = o->tail_full ? o->limits.tail - o->tail_end : 0;
	memcpy(out, o->tail + o->tail_end, older);
	memcpy(out + older, o->tail, o->tail_end);
	return older + o->tail_end;
}
