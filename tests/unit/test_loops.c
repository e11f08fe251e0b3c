/* SPDX-License-Identifier: ISC */
#include "policy/loops.h"
#include "unit.h"

static const struct loops_limits limits = { .runs = 3, .cooldown_ms = 1000 };
static struct loops loops;

static bool
changed(int64_t node, int64_t ctime, int64_t now)
{
	return loops_changed(&loops, &limits,
	    &(struct loops_run){
		.handler = 7, .node = node, .ctime_ns = ctime, .now_ms = now });
}

START_TEST(a_few_runs_that_change_the_path_are_no_loop)
{
	loops = (struct loops){ .n = 0 };
	ck_assert_int_eq(loops_wait(&loops, 1, 5, 0), 0);
	ck_assert(!changed(1, 10, 0));
	ck_assert_int_eq(loops_wait(&loops, 1, 10, 0), 0);
	ck_assert(!changed(1, 20, 1));
	ck_assert_int_eq(loops_wait(&loops, 1, 20, 1), 0);
	loops_quiet(&loops, 1, 8);
	ck_assert_uint_eq(loops.n, 1);
	loops_quiet(&loops, 1, 7);
	ck_assert(!changed(1, 30, 2));
	ck_assert_ptr_null(loops_cooling(&loops, 1, 2));
	loops_forget(&loops, 2);
	ck_assert_uint_eq(loops.n, 1);
	loops_forget(&loops, 1);
	ck_assert_uint_eq(loops.n, 0);
	ck_assert_uint_eq(loops.begun, 0);
}
END_TEST

START_TEST(a_loop_cools_down_and_longer_each_time)
{
	loops = (struct loops){ .n = 0 };
	ck_assert(!changed(1, 10, 0));
	ck_assert(!changed(1, 20, 0));
	ck_assert(changed(1, 30, 100));
	ck_assert_int_eq(loops_wait(&loops, 1, 30, 100), 1000);
	ck_assert_int_eq(loops_wait(&loops, 1, 30, 1099), 1);
	ck_assert_int_eq(loops_wait(&loops, 1, 30, 1100), 0);
	ck_assert_ptr_nonnull(loops_cooling(&loops, 1, 1099));
	ck_assert_int_eq(loops_cooling(&loops, 1, 1099)->handler, 7);
	ck_assert_ptr_null(loops_cooling(&loops, 1, 1100));
	ck_assert(changed(1, 40, 1100));
	ck_assert_int_eq(loops_wait(&loops, 1, 40, 1100), 2000);
	for (int64_t i = 0; i < 40; i++)
		ck_assert(changed(1, 50, 0));
	ck_assert_int_eq(loops_wait(&loops, 1, 50, 0), LOOPS_COOLDOWN_MAX_MS);
}
END_TEST

START_TEST(a_change_by_another_ends_it_at_once)
{
	loops = (struct loops){ .n = 0 };
	ck_assert(!changed(1, 10, 0));
	ck_assert(!changed(1, 20, 0));
	ck_assert_int_eq(loops_wait(&loops, 1, 21, 0), 0);
	ck_assert(!changed(1, 30, 0));
	ck_assert(!changed(1, 40, 0));
	ck_assert(changed(1, 50, 0));
	ck_assert_int_eq(loops_wait(&loops, 1, 51, 0), 0);
	ck_assert_ptr_null(loops_cooling(&loops, 1, 0));
}
END_TEST

START_TEST(the_table_has_an_end_and_keeps_the_worst)
{
	loops = (struct loops){ .n = 0 };
	changed(1, 1, 0);
	changed(1, 2, 0);
	for (int64_t node = 2; node < 3 * LOOPS_MAX; node++)
		ck_assert(!changed(node, 1, 0));
	ck_assert_uint_eq(loops.n, LOOPS_MAX);
	ck_assert(changed(1, 3, 0));
}
END_TEST

START_TEST(it_can_be_switched_off)
{
	const struct loops_limits never = { .runs = 0, .cooldown_ms = 1000 };
	loops = (struct loops){ .n = 0 };
	for (int64_t i = 0; i < 100; i++)
		ck_assert(!loops_changed(&loops, &never,
		    &(struct loops_run){ .handler = 7, .node = 1, .ctime_ns = i }));
	ck_assert_uint_eq(loops.n, 0);
}
END_TEST

UNIT_MAIN("loops", a_few_runs_that_change_the_path_are_no_loop,
    a_loop_cools_down_and_longer_each_time, a_change_by_another_ends_it_at_once,
    the_table_has_an_end_and_keeps_the_worst, it_can_be_switched_off)
