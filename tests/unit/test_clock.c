/* SPDX-License-Identifier: ISC */
#include "watcher/clock.h"

#include "unit.h"

#define MS INT64_C(1000000)

START_TEST(a_step_is_the_change_of_the_distance)
{
	ck_assert_int_eq(clock_step_ms(5 * MS, 5 * MS + 3600000 * MS), 3600000);
	ck_assert_int_eq(clock_step_ms(5 * MS, -7000 * MS), -7005);
}
END_TEST

START_TEST(noise_is_no_step)
{
	ck_assert_int_eq(clock_step_ms(1000 * MS, 1099 * MS), 0);
	ck_assert_int_eq(clock_step_ms(1099 * MS, 1000 * MS), 0);
	ck_assert_int_eq(clock_step_ms(1000 * MS, 1100 * MS), 100);
}
END_TEST

static void
no_step(void *ctx, int64_t step_ms)
{
	(void)step_ms;
	ck_assert_ptr_nonnull(ctx);
	ck_abort_msg("nobody has set the clock");
}

START_TEST(it_costs_no_wake_up)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct clock_watch *c = clock_watch_new(loop, no_step, loop);

	ck_assert_ptr_nonnull(c);
	ev_run(loop, EVRUN_NOWAIT);
	clock_watch_free(c);
	clock_watch_free(NULL);
	ev_loop_destroy(loop);
}
END_TEST

UNIT_MAIN(
    "clock", a_step_is_the_change_of_the_distance, noise_is_no_step, it_costs_no_wake_up)
