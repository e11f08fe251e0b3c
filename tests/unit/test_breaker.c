/* SPDX-License-Identifier: ISC */
#include "policy/breaker.h"
#include "unit.h"

static const struct breaker_limits limits = { .failures = 3, .cooldown_ms = 30000 };

static struct breaker
closed(void)
{
	struct breaker b;
	breaker_init(&b);
	return b;
}

/* Opened by a fault at time 0. */
static struct breaker
opened(void)
{
	struct breaker b = closed();
	ck_assert(breaker_note(&b, &limits, OUTCOME_FAULT, 1, 0));
	return b;
}

START_TEST(closed_lets_everything_run)
{
	struct breaker b = closed();
	ck_assert(breaker_allows(&b, 0, 0));
	ck_assert(breaker_allows(&b, 0, 100));
	ck_assert_int_eq(breaker_due(&b), -1);
}
END_TEST

START_TEST(a_fault_opens_at_once)
{
	struct breaker b = opened();
	ck_assert_int_eq(b.state, BREAKER_OPEN);
	ck_assert_int_eq(b.opened, 1);
	ck_assert_int_eq(breaker_due(&b), 30000);
	ck_assert(!breaker_allows(&b, 0, 0));
	ck_assert(!breaker_allows(&b, 29999, 0));
}
END_TEST

START_TEST(failures_of_different_paths_open)
{
	struct breaker b = closed();
	ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, 1, 0));
	ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, 2, 0));
	ck_assert(breaker_note(&b, &limits, OUTCOME_RETRY, 3, 500));
	ck_assert_int_eq(breaker_due(&b), 30500);
}
END_TEST

START_TEST(one_bad_path_does_not_open)
{
	struct breaker b = closed();
	for (int i = 0; i < 100; i++)
		ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, 7, i));
	ck_assert_int_eq(b.state, BREAKER_CLOSED);
}
END_TEST

START_TEST(two_bad_paths_do_not_open_where_three_do)
{
	struct breaker b = closed();
	for (int i = 0; i < 100; i++)
		ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, i % 2, i));
	ck_assert_int_eq(b.failures, 2);
	ck_assert(breaker_note(&b, &limits, OUTCOME_RETRY, 2, 100));
}
END_TEST

START_TEST(more_paths_than_are_kept_are_counted)
{
	const struct breaker_limits many = { .failures = 100, .cooldown_ms = 1000 };
	struct breaker b = closed();
	for (int i = 0; i < 99; i++)
		ck_assert(!breaker_note(&b, &many, OUTCOME_RETRY, i, 0));
	ck_assert(breaker_note(&b, &many, OUTCOME_RETRY, 99, 0));
}
END_TEST

START_TEST(success_and_rejection_begin_the_count_anew)
{
	struct breaker b = closed();
	const enum outcome works[] = { OUTCOME_DONE, OUTCOME_REJECTED };
	for (size_t i = 0; i < 2; i++) {
		breaker_note(&b, &limits, OUTCOME_RETRY, 1, 0);
		breaker_note(&b, &limits, OUTCOME_RETRY, 2, 0);
		ck_assert(!breaker_note(&b, &limits, works[i], 3, 0));
		ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, 4, 0));
		ck_assert(!breaker_note(&b, &limits, OUTCOME_RETRY, 5, 0));
		ck_assert_int_eq(b.state, BREAKER_CLOSED);
		breaker_reset(&b);
	}
}
END_TEST

START_TEST(a_run_that_was_cut_or_not_begun_says_nothing)
{
	struct breaker b = closed();
	breaker_note(&b, &limits, OUTCOME_RETRY, 1, 0);
	breaker_note(&b, &limits, OUTCOME_RETRY, 2, 0);
	ck_assert(!breaker_note(&b, &limits, OUTCOME_CUT, 3, 0));
	ck_assert(!breaker_note(&b, &limits, OUTCOME_SHORT, 4, 0));
	ck_assert_int_eq(b.failures, 2);
	b = opened();
	ck_assert(breaker_allows(&b, 30000, 0));
	ck_assert(!breaker_note(&b, &limits, OUTCOME_CUT, 3, 30000));
	ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(failures_never_open_where_none_are_counted)
{
	const struct breaker_limits none = { .failures = 0, .cooldown_ms = 1000 };
	struct breaker b = closed();
	for (int i = 0; i < 100; i++)
		ck_assert(!breaker_note(&b, &none, OUTCOME_RETRY, i, 0));
	ck_assert(breaker_note(&b, &none, OUTCOME_FAULT, 1, 0));
}
END_TEST

START_TEST(one_job_probes_after_the_cooldown)
{
	struct breaker b = opened();
	ck_assert(breaker_allows(&b, 30000, 0));
	ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
	ck_assert_int_eq(breaker_due(&b), -1);
	ck_assert(!breaker_allows(&b, 30000, 1));
	ck_assert(!breaker_allows(&b, 99999999, 1));
}
END_TEST

START_TEST(jobs_from_before_end_first)
{
	struct breaker b = opened();
	ck_assert(!breaker_allows(&b, 30000, 2));
	ck_assert_int_eq(b.state, BREAKER_OPEN);
	ck_assert(!breaker_note(&b, &limits, OUTCOME_DONE, 9, 30001));
	ck_assert(!breaker_note(&b, &limits, OUTCOME_FAULT, 9, 30001));
	ck_assert_int_eq(b.state, BREAKER_OPEN);
	ck_assert_int_eq(b.cooldown_ms, 30000);
	ck_assert(breaker_allows(&b, 30002, 0));
}
END_TEST

START_TEST(a_probe_that_never_ran_can_be_sent_again)
{
	struct breaker b = opened();
	ck_assert(breaker_allows(&b, 30000, 0));
	ck_assert(breaker_allows(&b, 30001, 0));
}
END_TEST

START_TEST(a_good_probe_closes)
{
	const enum outcome works[] = { OUTCOME_DONE, OUTCOME_REJECTED };
	for (size_t i = 0; i < 2; i++) {
		struct breaker b = opened();
		breaker_allows(&b, 30000, 0);
		ck_assert(!breaker_note(&b, &limits, works[i], 1, 30100));
		ck_assert_int_eq(b.state, BREAKER_CLOSED);
		ck_assert(breaker_allows(&b, 30100, 5));
	}
}
END_TEST

START_TEST(a_bad_probe_doubles_the_cooldown_up_to_its_limit)
{
	struct breaker b = opened();
	int64_t now = 0, want = 30000;
	for (int i = 0; i < 20; i++) {
		now += want;
		ck_assert(!breaker_allows(&b, now - 1, 0));
		ck_assert(breaker_allows(&b, now, 0));
		ck_assert(breaker_note(
		    &b, &limits, i % 2 ? OUTCOME_RETRY : OUTCOME_FAULT, 1, now));
		want = want * 2 > BREAKER_COOLDOWN_MAX_MS ? BREAKER_COOLDOWN_MAX_MS
							  : want * 2;
		ck_assert_int_eq(b.cooldown_ms, want);
	}
	ck_assert_int_eq(b.opened, 21);
}
END_TEST

START_TEST(after_closing_the_cooldown_is_short_again)
{
	struct breaker b = opened();
	breaker_allows(&b, 30000, 0);
	breaker_note(&b, &limits, OUTCOME_FAULT, 1, 30000);
	breaker_allows(&b, 90000, 0);
	breaker_note(&b, &limits, OUTCOME_DONE, 1, 90000);
	ck_assert(breaker_note(&b, &limits, OUTCOME_FAULT, 1, 100000));
	ck_assert_int_eq(breaker_due(&b), 130000);
}
END_TEST

START_TEST(a_longer_cooldown_that_was_asked_for_stays)
{
	const struct breaker_limits slow = { 3, 3600 * 1000 };
	struct breaker b = closed();
	breaker_note(&b, &slow, OUTCOME_FAULT, 1, 0);
	breaker_allows(&b, slow.cooldown_ms, 0);
	breaker_note(&b, &slow, OUTCOME_FAULT, 1, slow.cooldown_ms);
	ck_assert_int_eq(b.cooldown_ms, slow.cooldown_ms);
}
END_TEST

START_TEST(reset_closes_and_keeps_the_count_of_openings)
{
	struct breaker b = opened();
	breaker_reset(&b);
	ck_assert(breaker_allows(&b, 0, 3));
	ck_assert_int_eq(breaker_due(&b), -1);
	ck_assert_int_eq(b.opened, 1);
	ck_assert_str_eq(breaker_state_name(b.state), "closed");
	ck_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}
END_TEST

UNIT_MAIN("breaker", closed_lets_everything_run, a_fault_opens_at_once,
    failures_of_different_paths_open, one_bad_path_does_not_open,
    two_bad_paths_do_not_open_where_three_do, more_paths_than_are_kept_are_counted,
    success_and_rejection_begin_the_count_anew,
    a_run_that_was_cut_or_not_begun_says_nothing,
    failures_never_open_where_none_are_counted, one_job_probes_after_the_cooldown,
    jobs_from_before_end_first, a_probe_that_never_ran_can_be_sent_again,
    a_good_probe_closes, a_bad_probe_doubles_the_cooldown_up_to_its_limit,
    after_closing_the_cooldown_is_short_again, a_longer_cooldown_that_was_asked_for_stays,
    reset_closes_and_keeps_the_count_of_openings)
