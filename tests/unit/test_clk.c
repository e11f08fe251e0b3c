/* SPDX-License-Identifier: ISC */
#include "base/clk.h"

#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "unit.h"

START_TEST(a_duration_is_read_with_its_unit)
{
	static const struct {
		const char *text;
		int64_t ms;
	} t[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "20ms", 20 },
		{ "5s", 5000 },
		{ "2m", 120000 },
		{ "1h", 3600000 },
		{ "1d", 86400000 },
		{ "1.5s", 1500 },
		{ "0.25s", 250 },
		{ "1.250s", 1250 },
		{ "0.5m", 30000 },
		{ "2.0ms", 2 },
		{ "9223372036854775807ms", INT64_MAX },
	};
	for (size_t i = 0; i < COUNTOF(t); i++)
		ck_assert_msg(clk_parse_duration(t[i].text) == t[i].ms, "%s", t[i].text);
}
END_TEST

START_TEST(a_malformed_duration_is_refused)
{
	static const char *const t[] = { "", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s",
		"5S", "5us", "5sec", "1.s", ".5s", "1..5s", "1.5", "0.0", "00", "1e3s",
		"0x5s", "0.4ms", "1.0005s", "199999999999d", "9223372036854775808ms",
		"9223372036854775807s", "1.00000000000000000000s", "ms" };
	for (size_t i = 0; i < COUNTOF(t); i++)
		ck_assert_msg(clk_parse_duration(t[i]) == -1, "\"%s\"", t[i]);
}
END_TEST

START_TEST(a_duration_is_shown_in_two_units_at_most)
{
	static const struct {
		int64_t ms;
		const char *text;
	} t[] = {
		{ 0, "0 ms" },
		{ -5, "0 ms" },
		{ 350, "350 ms" },
		{ 999, "999 ms" },
		{ 1000, "1 s" },
		{ 4200, "4.2 s" },
		{ 4299, "4.2 s" },
		{ 59999, "59.9 s" },
		{ 60000, "1 min" },
		{ 185000, "3 min 5 s" },
		{ 3599999, "59 min 59 s" },
		{ 3600000, "1 h" },
		{ 7800000, "2 h 10 min" },
		{ 86400000, "1 d" },
		{ 352800000, "4 d 2 h" },
		{ INT64_MAX, "106751991167 d 7 h" },
	};
	char out[64];
	for (size_t i = 0; i < COUNTOF(t); i++) {
		ck_assert_ptr_eq(clk_format_duration(t[i].ms, out, sizeof(out)), out);
		ck_assert_str_eq(out, t[i].text);
	}
	ck_assert_str_eq(clk_format_duration(185000, out, 4), "3 m");
}
END_TEST

START_TEST(wall_time_is_rfc_3339_in_utc)
{
	static const struct {
		int64_t ns;
		const char *text;
	} t[] = {
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ INT64_C(1769867983416755123), "2026-01-31T13:59:43.416755123Z" },
		{ INT64_C(1769867983999999999), "2026-01-31T13:59:43.999999999Z" },
		{ INT64_C(1769867984000000001), "2026-01-31T13:59:44.000000001Z" },
		{ INT64_C(1709164800000000000), "2024-02-29T00:00:00.000000000Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
	};
	char out[CLK_RFC3339_SIZE];
	for (size_t i = 0; i < COUNTOF(t); i++) {
		ck_assert_int_eq(clk_rfc3339(t[i].ns, out), 30);
		ck_assert_str_eq(out, t[i].text);
	}
}
END_TEST

/* Every day that 64 bits of nanoseconds can tell, at its last second. */
START_TEST(a_date_is_what_the_calendar_says)
{
	const int64_t day = 24 * 60 * 60, last = INT64_MAX / 1000000000 / day - 1;
	char out[CLK_RFC3339_SIZE], wanted[CLK_RFC3339_SIZE];
	for (int64_t i = -last; i < last; i++) {
		time_t second = (time_t)(i * day + day - 1);
		struct tm tm;
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000000000Z",
		    gmtime_r(&second, &tm));
		clk_rfc3339((int64_t)second * 1000000000, out);
		ck_assert_str_eq(out, wanted);
	}
}
END_TEST

START_TEST(monotonic_time_does_not_go_back)
{
	int64_t ns = clk_mono_ns(), ms = clk_mono_ms();
	ck_assert_int_ge(ms, ns / 1000000);
	ck_assert_int_ge(clk_mono_ns(), ns);
	ck_assert_int_gt(clk_wall_ns(), INT64_C(1700000000000000000));
}
END_TEST

UNIT_MAIN("clk", a_duration_is_read_with_its_unit, a_malformed_duration_is_refused,
    a_duration_is_shown_in_two_units_at_most, wall_time_is_rfc_3339_in_utc,
    a_date_is_what_the_calendar_says, monotonic_time_does_not_go_back)
