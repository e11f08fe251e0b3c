/* SPDX-License-Identifier: ISC */
#include "policy/pace.h"
#include "unit.h"

#define NS_PER_MS INT64_C(1000000)
#define NOW (INT64_C(86400000) * NS_PER_MS)

START_TEST(single_changes_are_read_at_once)
{
	struct pace pace = { 0 };
	for (int64_t i = 0; i < 100; i++)
		ck_assert_int_eq(pace_next_ns(&pace, NOW + i * PACE_MOMENT_NS), 0);
}
END_TEST

START_TEST(a_storm_waits_for_the_end_of_the_moment)
{
	struct pace pace = { 0 };
	for (int i = 0; i < PACE_READS; i++)
		ck_assert_int_eq(pace_next_ns(&pace, NOW + i), 0);
	ck_assert_int_eq(pace_next_ns(&pace, NOW + 500), PACE_MOMENT_NS - 500);
	/* The moment is over: a new one begins. */
	for (int i = 0; i < PACE_READS; i++)
		ck_assert_int_eq(pace_next_ns(&pace, NOW + PACE_MOMENT_NS + i), 0);
	ck_assert_int_gt(pace_next_ns(&pace, NOW + PACE_MOMENT_NS + 500), 0);
}
END_TEST

START_TEST(a_wait_never_exceeds_a_moment)
{
	struct pace pace = { 0 };
	for (int64_t now = 0; now < 20 * NS_PER_MS; now += 9973) {
		int64_t wait = pace_next_ns(&pace, now);
		ck_assert_int_ge(wait, 0);
		ck_assert_int_le(wait, PACE_MOMENT_NS);
	}
}
END_TEST

UNIT_MAIN("pace", single_changes_are_read_at_once,
    a_storm_waits_for_the_end_of_the_moment, a_wait_never_exceeds_a_moment)
