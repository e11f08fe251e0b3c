/* SPDX-License-Identifier: ISC */
#include "ctl/audit.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

/* A log being made: each record is chained to the one before, when on. */
static char hash[CHAIN_SIZE];
static struct buf line;
static struct audit audit;

static void
begin(uint64_t expected)
{
	memcpy(hash, CHAIN_NOTHING, CHAIN_SIZE);
	audit_init(&audit, expected);
}

static void
make(unsigned seq, const char *type, const char *prev)
{
	buf_reset(&line);
	buf_addf(&line,
	    "{\"v\":1,\"seq\":%u,\"id\":\"x\",\"timestamp_utc\":\"y\",\"event_type\":"
	    "{\"type\":%s}}\n",
	    seq, type);
	if (prev)
		chain_add(&line, prev);
}

static enum audit_fault
ask(void)
{
	enum audit_fault fault = audit_line(&audit, line.p, line.len - 1);

	chain_hash(line.p, line.len - 1, hash);
	return fault;
}

static enum audit_fault
chained(unsigned seq)
{
	make(seq, "\"created\"", hash);
	return ask();
}

static enum audit_fault
plain(unsigned seq)
{
	make(seq, "\"created\"", NULL);
	return ask();
}

static enum audit_fault
gap(unsigned seq, const char *cause, unsigned count)
{
	char type[128];

	snprintf(type, sizeof(type),
	    "\"gap\",\"cause\":\"%s\",\"count\":%u,\"repaired\":false", cause, count);
	make(seq, type, NULL);
	return ask();
}

START_TEST(a_whole_log_has_no_fault)
{
	begin(1);
	for (unsigned seq = 1; seq < 100; seq++)
		ck_assert_int_eq(chained(seq), AUDIT_OK);
	ck_assert_int_eq(audit_end(&audit), AUDIT_OK);
	ck_assert_uint_eq(audit.records, 99);
	ck_assert_uint_eq(audit.chained, 99);
	ck_assert_uint_eq(audit.last, 99);
	ck_assert_str_eq(audit.hash, hash);
}
END_TEST

START_TEST(a_beginning_that_is_missing_is_found)
{
	begin(5);
	ck_assert_int_eq(chained(7), AUDIT_MISSING);
	ck_assert_uint_eq(audit.fault_seq, 5);
	ck_assert_uint_eq(audit.seen, 7);
	begin(5);
	ck_assert_int_eq(chained(5), AUDIT_OK);
	begin(5); /* removed later than the anchor was written */
	ck_assert_int_eq(chained(3), AUDIT_OK);
	begin(0);
	ck_assert_int_eq(chained(7), AUDIT_OK);
}
END_TEST

START_TEST(a_record_that_was_taken_out_is_named)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	ck_assert_int_eq(plain(2), AUDIT_OK);
	ck_assert_int_eq(plain(5), AUDIT_MISSING);
	ck_assert_uint_eq(audit.fault_seq, 3);
}
END_TEST

START_TEST(a_number_that_goes_back_is_named)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	ck_assert_int_eq(plain(1), AUDIT_BACKWARDS);
	ck_assert_uint_eq(audit.fault_seq, 1);
}
END_TEST

START_TEST(a_hole_that_a_gap_explains_is_none)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	ck_assert_int_eq(gap(6, "log-full", 5), AUDIT_OK); /* 2 to 6 */
	ck_assert_int_eq(plain(7), AUDIT_OK);
	ck_assert_int_eq(gap(500, "torn-record", 1), AUDIT_OK);
	ck_assert_uint_eq(audit.gaps, 2);
	ck_assert_uint_eq(audit.lost, 6);
	ck_assert_int_eq(gap(510, "log-full", 5), AUDIT_MISSING);
	ck_assert_uint_eq(audit.fault_seq, 501);
}
END_TEST

START_TEST(a_gap_in_the_name_of_a_file_explains_nothing)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	make(9,
	    "\"created\"},\"file_path\":\"\\\"event_type\\\":{\\\"type\\\":\\\"gap\\\"\"",
	    NULL);
	ck_assert_int_eq(ask(), AUDIT_MISSING);
}
END_TEST

START_TEST(a_record_that_was_changed_is_named)
{
	begin(1);
	ck_assert_int_eq(chained(1), AUDIT_OK);
	make(2, "\"created\"", hash);
	chain_hash(line.p, line.len - 1, hash); /* as it was written */
	make(2, "\"deleted\"", hash);
	ck_assert_int_eq(audit_line(&audit, line.p, line.len - 1), AUDIT_CHANGED);
	ck_assert_uint_eq(audit.fault_seq, 1);
	begin(1);
	ck_assert_int_eq(chained(1), AUDIT_OK);
	ck_assert_int_eq(chained(2), AUDIT_OK);
	hash[0] = hash[0] == 'a' ? 'b' : 'a'; /* so the third was written after another */
	ck_assert_int_eq(chained(3), AUDIT_CHANGED);
	ck_assert_uint_eq(audit.fault_seq, 2);
}
END_TEST

START_TEST(a_chain_may_begin_but_not_end)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	memcpy(hash, CHAIN_NOTHING, CHAIN_SIZE);
	ck_assert_int_eq(chained(2), AUDIT_OK);
	ck_assert_int_eq(plain(3), AUDIT_UNCHAINED);
	ck_assert_uint_eq(audit.fault_seq, 3);
	begin(1);
	ck_assert_int_eq(chained(1), AUDIT_OK);
	make(2, "\"created\"", CHAIN_NOTHING);
	ck_assert_int_eq(ask(), AUDIT_CHANGED);
}
END_TEST

START_TEST(a_chain_begins_anew_after_a_torn_record_at_most)
{
	begin(1);
	ck_assert_int_eq(chained(1), AUDIT_OK);
	make(90, "\"gap\",\"cause\":\"torn-record\",\"count\":1", CHAIN_NOTHING);
	ck_assert_int_eq(ask(), AUDIT_OK);
	ck_assert_int_eq(chained(91), AUDIT_OK);
}
END_TEST

START_TEST(lines_that_are_no_records_need_a_gap)
{
	begin(1);
	ck_assert_int_eq(plain(1), AUDIT_OK);
	ck_assert_int_eq(audit_line(&audit, "{\"v\":1,\"se", 10), AUDIT_OK);
	ck_assert_int_eq(gap(3, "torn-record", 1), AUDIT_OK);
	ck_assert_int_eq(audit_line(&audit, "nonsense", 8), AUDIT_OK);
	ck_assert_int_eq(audit_end(&audit), AUDIT_NO_RECORD);
	ck_assert_int_eq(plain(4), AUDIT_NO_RECORD);
}
END_TEST

UNIT_MAIN("ctl_audit", a_whole_log_has_no_fault, a_beginning_that_is_missing_is_found,
    a_record_that_was_taken_out_is_named, a_number_that_goes_back_is_named,
    a_hole_that_a_gap_explains_is_none, a_gap_in_the_name_of_a_file_explains_nothing,
    a_record_that_was_changed_is_named, a_chain_may_begin_but_not_end,
    a_chain_begins_anew_after_a_torn_record_at_most, lines_that_are_no_records_need_a_gap)
