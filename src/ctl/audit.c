/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/audit.h"

#include <string.h>

#include "base/json.h"
#include "ctl/print.h"
#include "eventlog/head.h"

static const char *const fault_names[] = {
	[AUDIT_OK] = "ok",
	[AUDIT_MISSING] = "missing",
	[AUDIT_BACKWARDS] = "backwards",
	[AUDIT_CHANGED] = "changed",
	[AUDIT_UNCHAINED] = "unchained",
	[AUDIT_NO_RECORD] = "no-record",
};
_Static_assert(sizeof(fault_names) / sizeof(fault_names[0]) == AUDIT_FAULTS, "a name");

/* What a record says of a hole before it. */
struct gap {
	bool is_gap, torn;
	uint64_t count;
};

const char *
audit_fault_name(enum audit_fault fault)
{
	return fault_names[fault];
}

void
audit_init(struct audit *a, uint64_t expected)
{
	*a = (struct audit){ .hash = CHAIN_NOTHING, .expected = expected };
}

static enum audit_fault
fault(struct audit *a, enum audit_fault kind, uint64_t seq)
{
	a->fault_seq = seq;
	return kind;
}

/* Only gaps are taken apart: within a string a quote would be escaped. */
static void
read_gap(const char *line, size_t len, struct gap *gap)
{
	static const char mark[] = "\"event_type\":{\"type\":\"gap\"";
	struct json_error error;

	*gap = (struct gap){ 0 };
	if (memmem(line, len, mark, sizeof(mark) - 1) == NULL)
		return;
	cJSON *record = json_parse(line, len, &error);
	const cJSON *type = get(record, "event_type");
	gap->is_gap = record != NULL;
	gap->count = (uint64_t)get_int(type, "count");
	gap->torn = strcmp(get_string(type, "cause"), "torn-record") == 0;
	cJSON_Delete(record);
}

/* Where a record was torn, nobody knows how many there were. */
static enum audit_fault
check_number(struct audit *a, uint64_t seq, const struct gap *gap)
{
	uint64_t next = a->records > 0 ? a->last + 1 : a->expected;

	if (a->records > 0 && seq < next)
		return fault(a, AUDIT_BACKWARDS, seq);
	if (next == 0 || seq <= next)
		return AUDIT_OK;
	if (gap->is_gap && (gap->torn || seq - next <= gap->count))
		return AUDIT_OK;
	return fault(a, AUDIT_MISSING, next);
}

/* The first record of all is what the others hang on: nothing is before it. */
static enum audit_fault
check_link(struct audit *a, uint64_t seq, const char *prev, const struct gap *gap)
{
	const size_t n = CHAIN_SIZE - 1;
	bool may_begin = !a->last_chained || gap->torn;

	if (a->records == 0)
		return AUDIT_OK;
	if (prev == NULL)
		return a->last_chained ? fault(a, AUDIT_UNCHAINED, seq) : AUDIT_OK;
	if (memcmp(prev, a->hash, n) == 0 ||
	    (may_begin && memcmp(prev, CHAIN_NOTHING, n) == 0))
		return AUDIT_OK;
	return fault(a, AUDIT_CHANGED, a->last);
}

static void
note(struct audit *a, const char *line, size_t len, uint64_t seq, const struct gap *gap)
{
	if (a->records == 0)
		a->first = seq;
	a->records++;
	a->last = seq;
	a->gaps += gap->is_gap;
	a->lost += gap->count;
	a->strange = 0;
	chain_hash(line, len, a->hash);
}

enum audit_fault
audit_line(struct audit *a, const char *line, size_t len)
{
	const char *prev = chain_prev(line, len);
	struct record_head head;
	enum audit_fault found;
	struct gap gap;

	if (!head_parse(line, len, &head)) {
		a->strange++;
		return AUDIT_OK;
	}
	a->seen = head.seq;
	read_gap(line, len, &gap);
	if (a->strange > 0 && !gap.torn)
		return fault(a, AUDIT_NO_RECORD, head.seq);
	found = check_number(a, head.seq, &gap);
	if (found == AUDIT_OK)
		found = check_link(a, head.seq, prev, &gap);
	if (found != AUDIT_OK)
		return found;
	a->last_chained = prev != NULL;
	a->chained += prev != NULL;
	note(a, line, len, head.seq, &gap);
	return AUDIT_OK;
}

enum audit_fault
audit_end(struct audit *a)
{
	return a->strange > 0 ? fault(a, AUDIT_NO_RECORD, 0) : AUDIT_OK;
}
