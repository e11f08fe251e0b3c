/* SPDX-License-Identifier: ISC */
#include "base/clk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static int64_t
now_ns(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
clk_mono_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

int64_t
clk_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t
clk_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t
clk_stamp_ns(void)
{
	return now_ns(CLOCK_REALTIME_COARSE);
}

static char *
put_digits(char *out, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

struct date {
	int64_t year;
	int month, day; /* from 1 */
};

/*
 * The Gregorian date of a day since 1970-01-01.  gmtime_r(3) asks for the local time
 * zone, which takes a file and a lock.  Years begin on 1 March here, so that the leap
 * day is a year's last one; 400 of them always have as many days.
 */
static struct date
date_of(int64_t day)
{
	enum { ERA_DAYS = 146097, EPOCH = 719468 }; /* of 0000-03-01 */
	int64_t since = day + EPOCH;
	int64_t era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t in_era = since - era * ERA_DAYS;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int month = (int)(5 * in_year + 2) / 153; /* March, April ... February */
	struct date date = {
		.year = era * 400 + year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)in_year - (153 * month + 2) / 5 + 1,
	};
	return date;
}

/* "2026-01-31T13:59:43." */
static void
put_second(char *out, int64_t second)
{
	enum { DAY = 24 * 60 * 60 };
	int64_t day = second / DAY - (second % DAY < 0);
	int64_t in_day = second - day * DAY;
	struct date date = date_of(day);
	out = put_digits(out, date.year, 4);
	*out++ = '-';
	out = put_digits(out, date.month, 2);
	*out++ = '-';
	out = put_digits(out, date.day, 2);
	*out++ = 'T';
	out = put_digits(out, in_day / 3600, 2);
	*out++ = ':';
	out = put_digits(out, in_day / 60 % 60, 2);
	*out++ = ':';
	out = put_digits(out, in_day % 60, 2);
	*out = '.';
}

int
clk_rfc3339(int64_t wall_ns, char out[CLK_RFC3339_SIZE])
{
	enum { SECOND_LEN = sizeof("2026-01-31T13:59:43.") - 1 };
	/* Thousands of records share a second: its text is kept. */
	static char kept[SECOND_LEN];
	static int64_t kept_second = INT64_MIN;
	int64_t second = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
	if (ns < 0) {
		second--;
		ns += NS_PER_S;
	}
	if (second != kept_second) {
		put_second(kept, second);
		kept_second = second;
	}
	memcpy(out, kept, SECOND_LEN);
	char *end = put_digits(out + SECOND_LEN, ns, 9);
	memcpy(end, "Z", 2);
	return (int)(end + 1 - out);
}

static int64_t
unit_ms(const char *name)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
		{ "d", 24 * 60 * 60 * 1000 },
	};
	for (size_t i = 0; i < COUNTOF(units); i++) {
		if (strcmp(units[i].name, name) == 0)
			return units[i].ms;
	}
	return -1;
}

/* Reads digits; *scale, where it is wanted, is 10 to their number.  NULL where
   there is none, or more than can be reckoned with. */
static const char *
digits(const char *s, int64_t *value, int64_t *scale)
{
	const char *start = s;
	*value = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, *s - '0', value))
			return NULL;
		if (scale && __builtin_mul_overflow(*scale, 10, scale))
			return NULL;
	}
	return s > start ? s : NULL;
}

/* What is no whole number of milliseconds is refused: "0.4ms" as 0 would mean
   something else to most options. */
int64_t
clk_parse_duration(const char *s)
{
	int64_t whole, part = 0, scale = 1, unit, ms;
	if (strcmp(s, "0") == 0)
		return 0;
	s = digits(s, &whole, NULL);
	if (s && *s == '.')
		s = digits(s + 1, &part, &scale);
	if (!s || (unit = unit_ms(s)) < 0)
		return -1;
	if (__builtin_mul_overflow(part, unit, &part) || part % scale != 0)
		return -1;
	if (__builtin_mul_overflow(whole, unit, &ms) ||
	    __builtin_add_overflow(ms, part / scale, &ms))
		return -1;
	return ms;
}

static void
format_two(int64_t value, const char *big, const char *small, char *out, unsigned size)
{
	int per_big = strcmp(big, "d") == 0 ? 24 : 60;
	long long whole = value / per_big;
	int rest = (int)(value % per_big);
	if (rest > 0)
		snprintf(out, size, "%lld %s %d %s", whole, big, rest, small);
	else
		snprintf(out, size, "%lld %s", whole, big);
}

char *
clk_format_duration(int64_t ms, char *out, unsigned size)
{
	int64_t s = ms / 1000;
	if (ms < 1000)
		snprintf(out, size, "%d ms", ms > 0 ? (int)ms : 0);
	else if (s < 60 && ms % 1000 >= 100)
		snprintf(out, size, "%d.%d s", (int)s, (int)(ms % 1000 / 100));
	else if (s < 60)
		snprintf(out, size, "%d s", (int)s);
	else if (s < 60 * 60)
		format_two(s, "min", "s", out, size);
	else if (s < 24 * 60 * 60)
		format_two(s / 60, "h", "min", out, size);
	else
		format_two(s / 60 / 60, "d", "h", out, size);
	return out;
}
