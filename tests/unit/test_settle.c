/* SPDX-License-Identifier: ISC */
#include "policy/settle.h"
#include "unit.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S (1000 * NS_PER_MS)
#define NOW (INT64_C(1769867983) * NS_PER_S + 416 * NS_PER_MS)

static struct stat
stamped(int64_t mtime_ns, int64_t ctime_ns)
{
	struct stat st = { 0 };
	st.st_mtim.tv_sec = mtime_ns / NS_PER_S;
	st.st_mtim.tv_nsec = mtime_ns % NS_PER_S;
	st.st_ctim.tv_sec = ctime_ns / NS_PER_S;
	st.st_ctim.tv_nsec = ctime_ns % NS_PER_S;
	return st;
}

START_TEST(a_quiet_path_is_due_after_settle)
{
	const struct settle_limits limits = { 100, 5000 };
	ck_assert_int_eq(settle_due(&limits, 1000, 1000), 1100);
	ck_assert_int_eq(settle_due(&limits, 1000, 1050), 1150);
}
END_TEST

START_TEST(a_busy_path_is_not_held_for_ever)
{
	const struct settle_limits limits = { 100, 5000 };
	ck_assert_int_eq(settle_due(&limits, 1000, 5899), 5999);
	ck_assert_int_eq(settle_due(&limits, 1000, 5950), 6000);
	ck_assert_int_eq(settle_due(&limits, 1000, 9000), 6000);
}
END_TEST

START_TEST(the_shorter_limit_counts)
{
	const struct settle_limits limits = { 1000, 200 };
	ck_assert_int_eq(settle_due(&limits, 0, 0), 200);
}
END_TEST

START_TEST(an_old_stamp_is_sure)
{
	struct stat st = stamped(NOW - NS_PER_S, NOW - 20 * NS_PER_MS);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 0);
}
END_TEST

START_TEST(a_stamp_of_this_tick_is_unsure_until_it_is_over)
{
	struct stat st = stamped(NOW, NOW);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 20);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW + 15 * NS_PER_MS), 5);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW + 19 * NS_PER_MS + 1), 1);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW + 20 * NS_PER_MS), 0);
}
END_TEST

START_TEST(one_young_stamp_is_enough)
{
	struct stat mtime = stamped(NOW - 5 * NS_PER_MS, NOW - NS_PER_S);
	struct stat ctime = stamped(NOW - 3600 * NS_PER_S, NOW - 5 * NS_PER_MS);
	ck_assert_int_eq(settle_unsure_ms(&mtime, NOW), 15);
	ck_assert_int_eq(settle_unsure_ms(&ctime, NOW), 15);
	ck_assert_int_eq(
	    settle_unsure_stamps_ms(NOW - 5 * NS_PER_MS, NOW - NS_PER_S, NOW), 15);
	ck_assert_int_eq(settle_unsure_stamps_ms(0, 0, NOW), 0); /* of a directory */
}
END_TEST

START_TEST(whole_seconds_are_a_coarse_file_system)
{
	int64_t second = NOW - NOW % NS_PER_S;
	struct stat st = stamped(second, second);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 2000 - 416);
	ck_assert_int_eq(settle_unsure_ms(&st, second + 2 * NS_PER_S), 0);
}
END_TEST

START_TEST(whole_seconds_in_mtime_alone_are_somebodys_choice)
{
	int64_t second = NOW - NOW % NS_PER_S;
	struct stat st = stamped(second, NOW - 100 * NS_PER_MS);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 0);
}
END_TEST

START_TEST(a_stamp_far_ahead_is_not_waited_for)
{
	struct stat st = stamped(NOW + 3600 * NS_PER_S + 1, NOW + 3600 * NS_PER_S + 1);
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 0);
	st.st_mtim.tv_sec = st.st_ctim.tv_sec = INT64_MAX;
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 0);
	st.st_mtim.tv_sec = st.st_ctim.tv_sec = INT64_MIN;
	ck_assert_int_eq(settle_unsure_ms(&st, NOW), 0);
}
END_TEST

UNIT_MAIN("settle", a_quiet_path_is_due_after_settle, a_busy_path_is_not_held_for_ever,
    the_shorter_limit_counts, an_old_stamp_is_sure,
    a_stamp_of_this_tick_is_unsure_until_it_is_over, one_young_stamp_is_enough,
    whole_seconds_are_a_coarse_file_system,
    whole_seconds_in_mtime_alone_are_somebodys_choice,
    a_stamp_far_ahead_is_not_waited_for)
