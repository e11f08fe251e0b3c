/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "policy/alert.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static int raised;
static int64_t last_value;
static char last_rule[32];

static void
on_raise(void *ctx, const struct event *ev)
{
	ck_assert_ptr_null(ctx);
	ck_assert_int_eq(ev->type, EVENT_ALERT);
	ck_assert_str_eq(ev->alert, "a");
	ck_assert_int_ge(ev->value, ev->threshold);
	raised++;
	last_value = ev->value;
	snprintf(last_rule, sizeof(last_rule), "%s", ev->rule);
}

static struct alerts *
begin(enum alert_rule rule, int64_t threshold, struct alert_config *config)
{
	static char name[] = "a";

	*config = (struct alert_config){ .name = name,
		.rule = rule,
		.threshold = threshold,
		.window_ms = 1600,
		.cooldown_ms = 60000 };
	raised = 0;
	return alerts_new(config, 1, on_raise, NULL);
}

static void
tell(
    struct alerts *a, enum event_type type, const char *from, const char *to, int64_t now)
{
	const struct event ev = { .type = type,
		.old_path = from,
		.old_path_len = from == NULL ? 0 : strlen(from),
		.path = to,
		.path_len = strlen(to) };

	alerts_event(a, &ev, now);
}

START_TEST(many_deletions_in_a_window_are_one_alert)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_MASS_DELETE, 10, &config);
	struct alert_state state;

	for (int i = 0; i < 9; i++)
		tell(a, EVENT_DELETED, NULL, "f", 10000 + i);
	tell(a, EVENT_CREATED, NULL, "f", 10010);
	ck_assert_int_eq(raised, 0);
	for (int i = 0; i < 100; i++)
		tell(a, EVENT_DELETED, NULL, "f", 10020 + i);
	ck_assert_int_eq(raised, 1);
	ck_assert_str_eq(last_rule, "mass-delete");
	ck_assert_int_eq(last_value, 10);
	ck_assert(alerts_state(a, 0, &state));
	ck_assert_uint_eq(state.raised, 1);
	ck_assert_int_eq(state.raised_ms, 10020);
	ck_assert(!alerts_state(a, 1, &state));
	alerts_free(a);
}
END_TEST

START_TEST(few_in_each_window_are_none)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_MASS_DELETE, 10, &config);

	for (int i = 0; i < 1000; i++)
		tell(a, EVENT_DELETED, NULL, "f", 10000 + i * 200);
	ck_assert_int_eq(raised, 0);
	alerts_free(a);
}
END_TEST

START_TEST(after_the_cool_down_it_is_raised_again)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_MASS_DELETE, 1, &config);

	tell(a, EVENT_DELETED, NULL, "f", 0);
	tell(a, EVENT_DELETED, NULL, "f", 59999);
	ck_assert_int_eq(raised, 1);
	tell(a, EVENT_DELETED, NULL, "f", 60000);
	ck_assert_int_eq(raised, 2);
	alerts_free(a);
}
END_TEST

START_TEST(renames_count_where_the_extension_is_another)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_MASS_RENAME, 3, &config);

	tell(a, EVENT_RENAMED, "a.txt", "b.txt", 1000);
	tell(a, EVENT_RENAMED, "d.x/a", "d.y/a", 1000);
	tell(a, EVENT_RENAMED, "a.txt", "a", 1000);
	tell(a, EVENT_RENAMED, "a.txt", "a.txt.locked", 1000);
	tell(a, EVENT_RENAMED, "b.md", "b.locked", 1000);
	ck_assert_int_eq(raised, 0);
	tell(a, EVENT_RENAMED, "c", "c.locked", 1000);
	ck_assert_int_eq(raised, 1);
	alerts_free(a);
}
END_TEST

START_TEST(a_rate_is_compared_with_what_is_usual)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_EVENT_RATE, 5, &config);
	int64_t now = 0;

	/* 160 a window is usual, whatever it is at the beginning. */
	for (; now < 16000; now += 10)
		tell(a, EVENT_MODIFIED, NULL, "f", now);
	ck_assert_int_eq(raised, 0);
	for (int i = 0; i < 790; i++)
		tell(a, EVENT_MODIFIED, NULL, "f", now);
	ck_assert_int_eq(raised, 0);
	for (int i = 0; i < 20; i++)
		tell(a, EVENT_MODIFIED, NULL, "f", now);
	ck_assert_int_eq(raised, 1);
	alerts_free(a);
}
END_TEST

START_TEST(after_quiet_a_few_are_no_spike)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_EVENT_RATE, 5, &config);

	tell(a, EVENT_MODIFIED, NULL, "f", 0);
	for (int i = 0; i < ALERT_RATE_MIN - 1; i++)
		tell(a, EVENT_MODIFIED, NULL, "f", 160000);
	ck_assert_int_eq(raised, 0);
	tell(a, EVENT_MODIFIED, NULL, "f", 160000);
	ck_assert_int_eq(raised, 1);
	alerts_free(a);
}
END_TEST

START_TEST(what_looks_random_counts)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_HIGH_ENTROPY, 2, &config);

	alerts_entropy(a, 4.5, 1000);
	alerts_entropy(a, 7.99, 1000);
	alerts_entropy(a, 7.1, 1000);
	ck_assert_int_eq(raised, 0);
	alerts_entropy(a, 7.9, 1500);
	ck_assert_int_eq(raised, 1);
	alerts_free(a);
}
END_TEST

START_TEST(measures_are_taken_as_they_are)
{
	struct alert_config config;
	struct alerts *a = begin(ALERT_LATENCY, 500, &config);

	ck_assert(alerts_have(a, ALERT_LATENCY));
	ck_assert(!alerts_have(a, ALERT_QUEUE_AGE));
	alerts_latency(a, 499, 1000);
	alerts_queue_age(a, 100000, 1000);
	ck_assert_int_eq(raised, 0);
	alerts_latency(a, 700, 1000);
	ck_assert_int_eq(last_value, 700);
	alerts_free(a);
	a = begin(ALERT_QUEUE_AGE, 500, &config);
	alerts_queue_age(a, 501, 1000);
	ck_assert_int_eq(raised, 1);
	alerts_free(a);
}
END_TEST

UNIT_MAIN("alert", many_deletions_in_a_window_are_one_alert, few_in_each_window_are_none,
    after_the_cool_down_it_is_raised_again, renames_count_where_the_extension_is_another,
    a_rate_is_compared_with_what_is_usual, after_quiet_a_few_are_no_spike,
    what_looks_random_counts, measures_are_taken_as_they_are)
