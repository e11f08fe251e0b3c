/* SPDX-License-Identifier: ISC */
#include "eventlog/retention.h"

#include "eventlog/name.h"
#include "unit.h"

#define DAY_NS (INT64_C(86400) * 1000000000)
#define DAY_MS (INT64_C(86400) * 1000)

/* Ten records and a thousand bytes each, a day apart; the last is written to. */
static const struct kept log_[] = {
	{ 1, FORM_PACKED, 1000, 1 * DAY_NS },
	{ 11, FORM_PACKED, 1000, 2 * DAY_NS },
	{ 21, FORM_PLAIN, 1000, 3 * DAY_NS },
	{ 31, FORM_PLAIN, 1000, 4 * DAY_NS },
	{ 41, FORM_PLAIN, 1000, 5 * DAY_NS },
};
#define N (sizeof(log_) / sizeof(log_[0]))
#define NOW (5 * DAY_NS + 1000000)

static struct retention_plan
decide(struct retention limits)
{
	struct retention_plan plan;

	if (limits.floor == 0)
		limits.floor = RETENTION_NO_FLOOR;
	retention_decide(&limits, log_, N, NOW, &plan);
	return plan;
}

START_TEST(without_limits_all_stay)
{
	struct retention_plan plan = decide((struct retention){ 0 });

	ck_assert_uint_eq(plan.drop, 0);
	ck_assert(!plan.pack && !plan.held);
}
END_TEST

START_TEST(the_oldest_go_by_size_age_or_number)
{
	ck_assert_uint_eq(decide((struct retention){ .bytes = 5000 }).drop, 0);
	ck_assert_uint_eq(decide((struct retention){ .bytes = 4999 }).drop, 1);
	ck_assert_uint_eq(decide((struct retention){ .bytes = 2000 }).drop, 3);
	ck_assert_uint_eq(decide((struct retention){ .age_ms = 3 * DAY_MS }).drop, 2);
	ck_assert_uint_eq(decide((struct retention){ .age_ms = 5 * DAY_MS }).drop, 0);
	ck_assert_uint_eq(decide((struct retention){ .count = 5 }).drop, 0);
	ck_assert_uint_eq(decide((struct retention){ .count = 2 }).drop, 3);
	ck_assert_uint_eq(decide((struct retention){ .count = 2, .bytes = 1 }).drop, 4);
}
END_TEST

START_TEST(the_one_that_is_written_to_stays)
{
	static const struct kept begun[] = { { 1, FORM_PLAIN, 1000, 0 },
		{ 11, FORM_PLAIN, 1000, 0 }, { 21, FORM_PLAIN, 0, 0 } };
	const struct retention limits = {
		.bytes = 1, .count = 1, .pack = true, .floor = RETENTION_NO_FLOOR
	};
	struct retention_plan plan;

	ck_assert_uint_eq(decide((struct retention){ .bytes = 1 }).drop, 4);
	/* After a rotation the last record is in the one before. */
	retention_decide(&limits, begun, 3, NOW, &plan);
	ck_assert_uint_eq(plan.drop, 1);
	ck_assert(!plan.pack);
	retention_decide(&limits, begun, 1, NOW, &plan);
	ck_assert_uint_eq(plan.drop, 0);
	retention_decide(&limits, begun, 0, NOW, &plan);
	ck_assert_uint_eq(plan.drop, 0);
}
END_TEST

START_TEST(what_a_sink_needs_stays)
{
	const struct retention limits = { .bytes = 1, .floor = 20 };
	struct retention_plan plan = decide(limits);

	ck_assert_uint_eq(plan.drop, 1);
	ck_assert(plan.held);
	ck_assert_uint_eq(plan.lost, 0);
	plan = decide((struct retention){ .bytes = 1, .floor = 21 });
	ck_assert_uint_eq(plan.drop, 2);
}
END_TEST

START_TEST(the_hard_cap_has_it_go_and_counts)
{
	struct retention_plan plan =
	    decide((struct retention){ .bytes = 1, .hard_cap = 3000, .floor = 15 });

	ck_assert_uint_eq(plan.drop, 2);
	ck_assert_uint_eq(plan.lost, 6); /* 15 to 20 */
	plan = decide((struct retention){ .hard_cap = 2000, .floor = 5 });
	ck_assert_uint_eq(plan.drop, 3);
	ck_assert_uint_eq(plan.lost, 26); /* 5 to 30 */
	plan = decide((struct retention){ .hard_cap = 2000 });
	ck_assert_uint_eq(plan.drop, 3);
	ck_assert_uint_eq(plan.lost, 0);
}
END_TEST

START_TEST(the_oldest_plain_one_is_compressed)
{
	struct retention_plan plan = decide((struct retention){ .pack = true });

	ck_assert(plan.pack);
	ck_assert_uint_eq(plan.pack_first, 21);
	plan = decide((struct retention){ .pack = true, .count = 2 });
	ck_assert_uint_eq(plan.pack_first, 31);
	plan = decide((struct retention){ .pack = true, .floor = 25 });
	ck_assert(!plan.pack && plan.held);
}
END_TEST

START_TEST(the_one_that_is_being_compressed_stays)
{
	struct retention_plan plan =
	    decide((struct retention){ .bytes = 1, .hard_cap = 1, .busy = 21 });

	ck_assert_uint_eq(plan.drop, 2);
	ck_assert(plan.held);
}
END_TEST

START_TEST(one_that_cannot_be_compressed_is_passed_over)
{
	struct retention_plan plan =
	    decide((struct retention){ .pack = true, .pack_from = 22 });

	ck_assert(plan.pack && !plan.passed);
	ck_assert_uint_eq(plan.pack_first, 31);
	plan = decide((struct retention){ .pack = true, .pack_from = 32 });
	ck_assert(!plan.pack && plan.passed);
	plan = decide((struct retention){ .pack_from = 32 });
	ck_assert(!plan.pack && !plan.passed);
	plan = decide((struct retention){ .pack = true, .pack_from = 1 });
	ck_assert_uint_eq(plan.pack_first, 21);
}
END_TEST

UNIT_MAIN("retention", without_limits_all_stay, the_oldest_go_by_size_age_or_number,
    the_one_that_is_written_to_stays, what_a_sink_needs_stays,
    the_hard_cap_has_it_go_and_counts, the_oldest_plain_one_is_compressed,
    the_one_that_is_being_compressed_stays, one_that_cannot_be_compressed_is_passed_over)
