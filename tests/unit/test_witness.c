/* SPDX-License-Identifier: ISC */
#include "unit.h"
#include "watcher/witness.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S (1000 * NS_PER_MS)
#define FROM (INT64_C(1769867983) * NS_PER_S + 416 * NS_PER_MS)
#define MONO INT64_C(5000000)

/* A run of 3 s. */
static const struct witness_times calm = {
	FROM,
	MONO,
	FROM + 3 * NS_PER_S,
	MONO + 3000,
};

static struct stat
stamped(int64_t ns)
{
	struct stat st = { 0 };
	st.st_mtim.tv_sec = st.st_ctim.tv_sec = ns / NS_PER_S;
	st.st_mtim.tv_nsec = st.st_ctim.tv_nsec = ns % NS_PER_S;
	return st;
}

START_TEST(an_old_stamp_says_that_nothing_happened)
{
	struct stat st = stamped(FROM - 25 * NS_PER_MS);
	ck_assert(witness_is_older(&st, &calm));
}
END_TEST

START_TEST(a_stamp_of_the_tick_of_the_start_may_hide_a_change)
{
	struct stat st = stamped(FROM - 5 * NS_PER_MS);
	ck_assert(!witness_is_older(&st, &calm));
}
END_TEST

START_TEST(a_stamp_from_the_run_or_ahead_tells_of_a_change)
{
	struct stat during = stamped(FROM + NS_PER_S),
		    ahead = stamped(FROM + 900 * NS_PER_S);
	ck_assert(!witness_is_older(&during, &calm));
	ck_assert(!witness_is_older(&ahead, &calm));
}
END_TEST

START_TEST(a_stamp_says_nothing_where_the_clock_was_set)
{
	struct stat st = stamped(FROM - 25 * NS_PER_MS);
	struct witness_times set = calm;
	set.wall_ns -= 100 * NS_PER_MS;
	ck_assert(!witness_is_older(&st, &set));
	set.wall_ns += 200 * NS_PER_MS;
	ck_assert(!witness_is_older(&st, &set));
}
END_TEST

START_TEST(a_slewed_clock_is_not_a_set_one)
{
	struct stat st = stamped(FROM - 25 * NS_PER_MS);
	struct witness_times slewed = calm;
	slewed.mono_ms = MONO + 3600000;
	slewed.wall_ns = FROM + 3601 * NS_PER_S;
	ck_assert(witness_is_older(&st, &slewed));
}
END_TEST

START_TEST(a_stamp_beyond_all_time_tells_nothing)
{
	struct stat st = stamped(FROM);
	st.st_ctim.tv_sec = INT64_MAX;
	ck_assert(!witness_is_older(&st, &calm));
	st.st_ctim.tv_sec = INT64_MIN;
	ck_assert(!witness_is_older(&st, &calm));
}
END_TEST

UNIT_MAIN("witness", an_old_stamp_says_that_nothing_happened,
    a_stamp_of_the_tick_of_the_start_may_hide_a_change,
    a_stamp_from_the_run_or_ahead_tells_of_a_change,
    a_stamp_says_nothing_where_the_clock_was_set, a_slewed_clock_is_not_a_set_one,
    a_stamp_beyond_all_time_tells_nothing)
