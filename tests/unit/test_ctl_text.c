/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "unit.h"

static void
vis_is(const char *from, const char *to)
{
	char *shown = text_vis_str(from);

	ck_assert_str_eq(shown, to);
	free(shown);
}

START_TEST(no_byte_of_a_path_steers_a_terminal)
{
	vis_is("a\033[31mb\nc\td", "a\\033[31mb\\nc\\td");
	vis_is("\x7f", "\\177");
	vis_is("\xc2\x85", "\\302\\205");	   /* C1: next line */
	vis_is("\xe2\x80\xae", "\\342\\200\\256"); /* right-to-left override */
}
END_TEST

START_TEST(utf_8_stays_and_other_bytes_are_escaped)
{
	vis_is("docs/\xc3\xbc.md", "docs/\xc3\xbc.md");
	vis_is("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
	vis_is("a\xff z", "a\\377 z");
	vis_is("\xc3", "\\303");
	vis_is("\xc0\xaf", "\\300\\257");	   /* overlong */
	vis_is("\xed\xa0\x80", "\\355\\240\\200"); /* surrogate */
	vis_is("\xf4\x90\x80\x80", "\\364\\220\\200\\200");
	vis_is("", "");
}
END_TEST

START_TEST(an_escaped_path_is_not_ambiguous)
{
	vis_is("a\\nb", "a\\\\nb");
}
END_TEST

START_TEST(each_line_of_output_is_indented)
{
	struct buf out = BUF_INIT;

	text_vis_lines(&out, "one\n\ntwo\033\0\xff", 11, "| ");
	ck_assert_str_eq(out.p, "| one\n| \n| two\\033\\000\\377\n");
	buf_release(&out);
}
END_TEST

START_TEST(utf_8_is_told_from_bytes)
{
	ck_assert(text_is_utf8("\xc3\xbc", 2));
	ck_assert(text_is_utf8("", 0));
	ck_assert(!text_is_utf8("\xc3", 1));
	ck_assert(!text_is_utf8("a\xff", 2));
}
END_TEST

START_TEST(base64_gives_back_what_was_encoded)
{
	static const char bytes[] = "a\xff\x01\xfe"
				    "bcdefg";

	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct buf text = BUF_INIT;
		size_t len;
		buf_adds(&text, "");
		buf_add_base64(&text, bytes, n);
		char *back = text_base64_decode(text.p, &len);
		ck_assert_ptr_nonnull(back);
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(back, bytes, n);
		free(back);
		buf_release(&text);
	}
}
END_TEST

START_TEST(what_is_no_base64_is_refused)
{
	static const char *const bad[] = { "a", "ab=", "a===", "ab!d", "=", "ab=d",
		"ab c" };
	size_t len;

	for (size_t i = 0; i < COUNTOF(bad); i++)
		ck_assert_ptr_null(text_base64_decode(bad[i], &len));
}
END_TEST

START_TEST(counts_have_commas)
{
	char out[TEXT_SHORT];

	ck_assert_str_eq(text_count(0, out), "0");
	ck_assert_str_eq(text_count(999, out), "999");
	ck_assert_str_eq(text_count(1204, out), "1,204");
	ck_assert_str_eq(text_count(-100, out), "-100");
	ck_assert_str_eq(text_count(-1234567, out), "-1,234,567");
	ck_assert_str_eq(text_count(INT64_MIN, out), "-9,223,372,036,854,775,808");
}
END_TEST

START_TEST(times_are_read_with_their_zone)
{
	const int64_t at = INT64_C(1769867983) * 1000000000;

	ck_assert_int_eq(text_parse_time("2026-01-31T13:59:43Z"), at);
	ck_assert_int_eq(
	    text_parse_time("2026-01-31T13:59:43.416755123Z"), at + 416755123);
	ck_assert_int_eq(text_parse_time("2026-01-31T13:59:43.4Z"), at + 400000000);
	ck_assert_int_eq(text_parse_time("2026-01-31T15:59:43+02:00"), at);
	setenv("TZ", "UTC-2", 1); /* two hours east */
	ck_assert_int_eq(text_parse_time("2026-01-31 15:59:43"), at);
	ck_assert_int_eq(text_parse_time("2026-01-31T15:59"), at - INT64_C(43000000000));
	ck_assert_int_eq(text_parse_time("yesterday"), -1);
	ck_assert_int_eq(text_parse_time("2262-04-11T23:47:16.854775807Z"), INT64_MAX);
	ck_assert_int_eq(
	    text_parse_time("2262-04-11T23:47:16.854775808Z"), TEXT_TIME_RANGE);
	ck_assert_int_eq(text_parse_time("2262-04-13"), TEXT_TIME_RANGE);
	ck_assert_int_eq(text_parse_time("9999-12-31T23:59:59Z"), TEXT_TIME_RANGE);
	ck_assert_int_eq(text_parse_time("1969-12-31T23:59:59Z"), TEXT_TIME_RANGE);
	ck_assert_int_eq(text_parse_time("1969-12-31"), TEXT_TIME_RANGE);
	ck_assert_int_eq(text_parse_time("1970-01-01T00:00:00Z"), 0);
	ck_assert_int_eq(text_parse_time("2026-01-31T13:59:43+2"), -1);
	ck_assert_int_eq(text_parse_time(""), -1);
	ck_assert_int_eq(text_parse_time("2026-02-31"), -1);
	ck_assert_int_eq(text_parse_time("2026-04-31T13:59:43Z"), -1);
	ck_assert_int_eq(text_parse_time("2025-02-29 13:59"), -1);
	ck_assert_int_ge(text_parse_time("2024-02-29"), 0);
}
END_TEST

START_TEST(a_time_may_be_told_by_today)
{
	int64_t now = text_parse_time("2026-03-01 17:40:21");

#define IS(near, full) \
	ck_assert_int_eq(text_parse_near_time(near, now), text_parse_time(full))
	IS("today", "2026-03-01");
	IS("yesterday", "2026-02-28");
	IS("13:59", "2026-03-01 13:59");
	IS("13:59:43", "2026-03-01 13:59:43");
	IS("2026-01-31 13:59", "2026-01-31 13:59");
	IS("13:60", "");
	IS("tomorrow", "");
#undef IS
}
END_TEST

START_TEST(an_age_is_told_in_words)
{
	char out[TEXT_SHORT];
	int64_t now = text_parse_time("2026-01-31T13:59:43Z");

	ck_assert_ptr_nonnull(
	    strstr(text_ago("2026-01-31T13:57:43Z", now, out), "2 min"));
	ck_assert_ptr_nonnull(strstr(out, " ago"));
	ck_assert_str_eq(text_ago("never", now, out), "");
	/* A clock that went back is no reason for a negative age. */
	ck_assert_ptr_null(strchr(text_ago("2026-01-31T14:57:43Z", now, out), '-'));
}
END_TEST

START_TEST(a_near_name_is_found_and_a_far_one_is_not)
{
	static const char *const names[] = { "start", "stop", "restart", "status",
		"why" };

	ck_assert_str_eq(text_nearest("statsu", names, COUNTOF(names)), "status");
	ck_assert_str_eq(text_nearest("stat", names, COUNTOF(names)), "status");
	ck_assert_str_eq(text_nearest("sotp", names, COUNTOF(names)), "stop");
	ck_assert_str_eq(text_nearest("wyh", names, COUNTOF(names)), "why");
	ck_assert_ptr_null(text_nearest("frobnicate", names, COUNTOF(names)));
	ck_assert_ptr_null(text_nearest("", names, COUNTOF(names)));
}
END_TEST

UNIT_MAIN("ctl_text", no_byte_of_a_path_steers_a_terminal,
    utf_8_stays_and_other_bytes_are_escaped, an_escaped_path_is_not_ambiguous,
    each_line_of_output_is_indented, utf_8_is_told_from_bytes,
    base64_gives_back_what_was_encoded, what_is_no_base64_is_refused, counts_have_commas,
    times_are_read_with_their_zone, a_time_may_be_told_by_today, an_age_is_told_in_words,
    a_near_name_is_found_and_a_far_one_is_not)
