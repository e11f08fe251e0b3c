/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "policy/limit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "unit.h"

static bool
pass(struct limit *limit, const char *path, int64_t now)
{
	const struct event ev = { .type = EVENT_MODIFIED,
		.root = "/p",
		.path = path,
		.path_len = strlen(path) };

	return limit_pass(limit, &ev, now);
}

static int
passes(struct limit *limit, const char *path, int n, int64_t now)
{
	int passed = 0;

	while (n-- > 0)
		passed += pass(limit, path, now);
	return passed;
}

static void
write_line(void *ctx, const struct event *ev)
{
	buf_addf(ctx, "%.*s %llu\n", ev->path == NULL ? 1 : (int)ev->path_len,
	    ev->path == NULL ? "*" : ev->path, (unsigned long long)ev->count);
}

static void
report_is(struct limit *limit, const char *want)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, "");
	limit_report(limit, write_line, &out);
	ck_assert_str_eq(out.p, want);
	buf_release(&out);
}

START_TEST(a_second_may_hold_so_many_and_what_is_over_is_told)
{
	struct limit *limit = limit_new(&(struct limit_rates){ .per_second = 10 });

	ck_assert_int_eq(limit_due(limit), -1);
	ck_assert_int_eq(passes(limit, "f", 10, 5000), 10);
	ck_assert_int_eq(limit_due(limit), -1);
	ck_assert_int_eq(passes(limit, "g", 5, 5000), 0);
	ck_assert_int_eq(limit_due(limit), 6000);
	ck_assert_int_eq(passes(limit, "f", 5, 5200), 2);
	report_is(limit, "* 8\n");
	ck_assert_int_eq(limit_due(limit), -1);
	report_is(limit, "");
	ck_assert_uint_eq(limit_dropped(limit), 8);
	ck_assert_int_eq(passes(limit, "f", 50, 90000), 10);
	limit_free(limit);
}
END_TEST

START_TEST(one_path_may_have_a_limit_of_its_own)
{
	struct limit *limit =
	    limit_new(&(struct limit_rates){ .per_second = 100, .per_file = 2 });

	ck_assert_int_eq(passes(limit, "busy", 10, 1000), 2);
	ck_assert_int_eq(passes(limit, "other", 1, 1000), 1);
	ck_assert_int_eq(passes(limit, "busy", 10, 1500), 1);
	report_is(limit, "busy 17\n");
	limit_free(limit);
}
END_TEST

START_TEST(what_one_path_may_not_takes_nothing_from_the_others)
{
	struct limit *limit =
	    limit_new(&(struct limit_rates){ .per_second = 10, .per_file = 1 });
	char name[16];
	int passed = 0;

	passes(limit, "busy", 1000, 1000);
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		passed += pass(limit, name, 1000);
	}
	ck_assert_int_eq(passed, 9);
	limit_free(limit);
}
END_TEST

START_TEST(many_paths_need_no_more_memory)
{
	struct limit *limit = limit_new(&(struct limit_rates){ .per_file = 1 });
	char name[16];
	uint64_t passed = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "f%d", i / 2);
		passed += pass(limit, name, 1000);
	}
	/* Each path once; some more where all places of a path were taken. */
	ck_assert_uint_ge(passed, 50000);
	ck_assert_uint_eq(limit_dropped(limit), 100000 - passed);
	ck_assert_uint_ge(limit_dropped(limit), LIMIT_FILES / 2);
	limit_free(limit);
}
END_TEST

UNIT_MAIN("limit", a_second_may_hold_so_many_and_what_is_over_is_told,
    one_path_may_have_a_limit_of_its_own,
    what_one_path_may_not_takes_nothing_from_the_others, many_paths_need_no_more_memory)
