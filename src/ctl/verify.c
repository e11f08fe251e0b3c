/* SPDX-License-Identifier: ISC */
/* verify: is the event log whole, and as it was written? */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/xmalloc.h"
#include "ctl/audit.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/project.h"
#include "ctl/segments.h"
#include "eventlog/head.h"

#define ANCHOR_MAX 4096

struct verify {
	struct audit audit;
	uint64_t since; /* 0: from the beginning */
	enum audit_fault fault;
	uint64_t before; /* the last one that is not looked at */
	int error;	 /* errno where it cannot be read; 0 */
	char *trouble;	 /* what cannot be */
	char *anchor;
};

/* With which number the log begins on purpose (watcher/keep.h). */
static uint64_t
read_anchor(const struct verify *v)
{
	struct json_error error;
	size_t len;
	char *text = fd_read_file(v->anchor, ANCHOR_MAX, &len);
	cJSON *anchor = text != NULL ? json_parse(text, len, &error) : NULL;
	int64_t first = get_int(anchor, "first_seq");

	cJSON_Delete(anchor);
	free(text);
	return first > 0 ? (uint64_t)first : 1;
}

static bool
is_too_early(void *ctx, const char *line, size_t len)
{
	struct verify *v = ctx;
	struct record_head head;

	if (!head_parse(line, len, &head) || head.seq >= v->since)
		return false;
	v->before = head.seq;
	return true;
}

/* What the daemon removed while it was read is missing on purpose: from there
   on it is read as from a beginning. */
static bool
was_removed(struct verify *v)
{
	uint64_t first = read_anchor(v);

	if (v->fault != AUDIT_MISSING || v->since > 0 || first <= v->audit.fault_seq)
		return false;
	audit_init(&v->audit, first);
	return true;
}

static void
check_all(struct verify *v, struct segments *segments)
{
	const char *line;
	size_t len;
	int n;

	audit_init(&v->audit, v->since > 0 ? 0 : read_anchor(v));
	if (v->since > 0)
		segments_seek(segments, is_too_early, v);
	while ((n = segments_next(segments, &line, &len)) == 1) {
		if (is_too_early(v, line, len))
			continue;
		v->fault = audit_line(&v->audit, line, len);
		if (v->fault != AUDIT_OK && was_removed(v))
			v->fault = audit_line(&v->audit, line, len);
		if (v->fault != AUDIT_OK)
			return;
	}
	v->error = n == -1 ? errno : 0;
	v->trouble = n == -1 ? segments_trouble(segments) : NULL;
	v->fault = n == -1 ? AUDIT_OK : audit_end(&v->audit);
}

static bool
is_past_end(const struct verify *v)
{
	return v->error == 0 && v->fault == AUDIT_OK && v->since > 0 &&
	    v->audit.records == 0;
}

static char *
explain_error(const struct verify *v)
{
	const char *why = v->error == EBADMSG ? "the compressed segment is damaged"
					      : strerror(v->error);

	if (v->audit.records == 0)
		return xasprintf("%s: cannot be read: %s", v->trouble, why);
	return xasprintf("%s: what follows record %" PRIu64 " cannot be read: %s",
	    v->trouble, v->audit.last, why);
}

/* Whoever removed what they no longer want can check the rest. */
static char *
explain_missing(const struct verify *v)
{
	const struct audit *a = &v->audit;

	if (a->records > 0)
		return xasprintf("record %" PRIu64
				 " is missing, and no gap record tells why (the "
				 "next one is %" PRIu64 ")",
		    a->fault_seq, a->seen);
	return xasprintf(
	    "record %" PRIu64 " is missing, and no gap record tells why (the first one "
	    "is %" PRIu64 ": was the beginning removed? verify --since %" PRIu64 ")",
	    a->fault_seq, a->seen, a->seen);
}

static char *
explain(const struct verify *v)
{
	uint64_t seq = v->audit.fault_seq, last = v->audit.last;

	if (v->error != 0)
		return explain_error(v);
	if (is_past_end(v))
		return xasprintf("no record from %" PRIu64 " on (the last is %" PRIu64
				 ")",
		    v->since, v->before);
	switch (v->fault) {
	case AUDIT_MISSING:
		return explain_missing(v);
	case AUDIT_BACKWARDS:
		return xasprintf(
		    "record %" PRIu64 " stands after record %" PRIu64, seq, last);
	case AUDIT_CHANGED:
		return xasprintf(
		    "record %" PRIu64
		    " is not the one that the record after it was chained to",
		    seq);
	case AUDIT_UNCHAINED:
		return xasprintf("record %" PRIu64
				 " is not chained, and the one before it is (chain was "
				 "switched off there? verify --since %" PRIu64 ")",
		    seq, seq);
	case AUDIT_NO_RECORD:
		return xasprintf("after record %" PRIu64 " a line is no record", last);
	case AUDIT_OK:
	case AUDIT_FAULTS:
		break;
	}
	return NULL;
}

static const char *
kind_of(const struct verify *v)
{
	if (v->error != 0)
		return "unreadable";
	return is_past_end(v) ? "past-end" : audit_fault_name(v->fault);
}

static uint64_t
seq_of(const struct verify *v)
{
	if (v->error != 0)
		return v->audit.last + 1;
	return is_past_end(v) ? v->since : v->audit.fault_seq;
}

static void
tell_json(const struct verify *v, const char *text)
{
	const struct audit *a = &v->audit;
	cJSON *top = cJSON_CreateObject(), *fault;

	cJSON_AddBoolToObject(top, "ok", text == NULL);
	cJSON_AddNumberToObject(top, "records", (double)a->records);
	cJSON_AddNumberToObject(top, "first_seq", (double)a->first);
	cJSON_AddNumberToObject(top, "last_seq", (double)a->last);
	cJSON_AddNumberToObject(top, "chained", (double)a->chained);
	cJSON_AddNumberToObject(top, "gaps", (double)a->gaps);
	cJSON_AddNumberToObject(top, "lost", (double)a->lost);
	cJSON_AddStringToObject(top, "last_hash", a->hash);
	if (text != NULL) {
		fault = cJSON_AddObjectToObject(top, "fault");
		cJSON_AddStringToObject(fault, "kind", kind_of(v));
		cJSON_AddNumberToObject(fault, "seq", (double)seq_of(v));
		cJSON_AddStringToObject(fault, "text", text);
	}
	print_json(top);
	cJSON_Delete(top);
}

static void
tell_text(struct ctl *ctl, const struct verify *v)
{
	const struct audit *a = &v->audit;

	if (a->records == 0) {
		say(ctl, "the event log is empty");
		return;
	}
	say(ctl, "%" PRIu64 " %s, %" PRIu64 " to %" PRIu64 ", %s whole", a->records,
	    a->records == 1 ? "record" : "records", a->first, a->last,
	    a->records == 1 ? "is" : "are");
	if (a->gaps > 0)
		say(ctl, "%" PRIu64 " gap records tell of %" PRIu64 " lost records",
		    a->gaps, a->lost);
	if (a->chained == 0)
		say(ctl,
		    "they are not chained: a change of what they say would not show");
	else
		say(ctl, "%" PRIu64 " are chained; the SHA-256 of the last is %s",
		    a->chained, a->hash);
}

static int
report(struct ctl *ctl, const struct verify *v)
{
	char *text = explain(v);
	bool ok = text == NULL;

	if (ctl->json)
		tell_json(v, text);
	else if (ok)
		tell_text(ctl, v);
	else
		complain(ctl, "%s", text);
	free(text);
	return ok ? CTL_OK : CTL_FAILED;
}

static uint64_t
parse_since(struct ctl *ctl, const char *arg)
{
	char *end;
	uint64_t seq;

	errno = 0;
	seq = strtoull(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end != '\0' || errno != 0 || seq == 0)
		usage_error(ctl, "--since: %s: the number of a record is wanted", arg);
	return seq;
}

int
cmd_verify(struct ctl *ctl, int argc, char **argv)
{
	struct verify v = { .since = 0 };
	struct project project;
	struct segments *segments;
	char *dir;
	int code;

	while (args_next(ctl, argc, argv) != -1)
		v.since = parse_since(ctl, optarg);
	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK) {
		dir = xasprintf("%s/events", project.state_dir);
		v.anchor = xasprintf("%s/anchor", dir);
		segments = segments_open(dir);
		check_all(&v, segments);
		code = report(ctl, &v);
		segments_close(segments);
		free(v.trouble);
		free(v.anchor);
		free(dir);
	}
	project_release(&project);
	return code;
}
