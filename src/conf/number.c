/* SPDX-License-Identifier: ISC */
#include "conf/kind.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clk.h"

/* The largest unit that divides ms: what is read back is the same. */
static void
add_duration(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" },
		{ 1, "ms" } };
	size_t i = 0;
	if (ms == 0) {
		buf_addc(out, '0');
		return;
	}
	while (ms % units[i].ms != 0)
		i++;
	buf_addi(out, ms / units[i].ms);
	buf_adds(out, units[i].name);
}

static int
set_bool(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
	(void)row;
	for (size_t i = 0; i < COUNTOF(words); i++) {
		if (strcasecmp(values->v[0], words[i]) == 0) {
			*(bool *)member = i % 2;
			return 0;
		}
	}
	return kind_refuse(
	    refusal, "'%.60s' is neither: true or false is wanted", values->v[0]);
}

static void
format_bool(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	buf_adds(out, *(const bool *)member ? "true" : "false");
}

static int
set_int(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	const char *s = values->v[0];
	char *end;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	if (end == s || *end != '\0' || isspace((unsigned char)*s))
		return kind_refuse(refusal,
		    "'%.60s' is no number: %" PRId64 " to %" PRId64 " is wanted", s,
		    row->min, row->max);
	if (errno == ERANGE || n < row->min || n > row->max)
		return kind_refuse(refusal,
		    "%.60s is too %s: %" PRId64 " to %" PRId64 " is wanted", s,
		    n < row->min ? "small" : "large", row->min, row->max);
	*(int64_t *)member = n;
	return 0;
}

static void
format_int(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	buf_addi(out, *(const int64_t *)member);
}

/* Numbers with a unit. */
struct amount {
	int64_t (*parse)(const char *); /* -1: malformed */
	void (*add)(struct buf *, int64_t);
	const char *wanted, *small, *large;
};

static int
set_amount(const struct option *row, void *member, const char *s,
    const struct refusal *refusal, const struct amount *amount)
{
	struct buf limits = BUF_INIT;
	int64_t n = amount->parse(s);
	if (n >= row->min && n <= row->max) {
		*(int64_t *)member = n;
		return 0;
	}
	amount->add(&limits, row->min);
	buf_adds(&limits, " to ");
	amount->add(&limits, row->max);
	if (n < 0)
		kind_refuse(refusal, "'%.60s' is no %s is wanted, %s", s, amount->wanted,
		    limits.p);
	else
		kind_refuse(refusal, "%.60s is too %s: %s is wanted", s,
		    n < row->min ? amount->small : amount->large, limits.p);
	buf_release(&limits);
	return -1;
}

static int
set_duration(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	static const struct amount duration = { clk_parse_duration, add_duration,
		"duration: a number with ms, s, m, h or d", "short", "long" };
	return set_amount(row, member, values->v[0], refusal, &duration);
}

static void
format_duration(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	add_duration(out, *(const int64_t *)member);
}

static const char size_units[] = "KMGTP";

/* A number with K, M, G, T or P, "iB" may follow: powers of 1024; -1: malformed. */
static int64_t
parse_size(const char *s)
{
	const char *unit;
	char *end;
	errno = 0;
	int64_t bytes = isdigit((unsigned char)*s) ? strtoll(s, &end, 10) : -1;
	if (bytes < 0 || errno == ERANGE)
		return -1;
	if (*end == '\0')
		return bytes;
	unit = strchr(size_units, *end++);
	if (!unit || (*end != '\0' && strcmp(end, "iB") != 0))
		return -1;
	int shift = 10 * (int)(unit - size_units + 1);
	return bytes > INT64_MAX >> shift ? -1 : bytes << shift;
}

/* The largest unit that divides it: what is read back is the same. */
static void
add_size(struct buf *out, int64_t bytes)
{
	int unit = -1;
	while (bytes != 0 && bytes % 1024 == 0 && size_units[unit + 1] != '\0') {
		bytes /= 1024;
		unit++;
	}
	buf_addi(out, bytes);
	if (unit >= 0)
		buf_addc(out, size_units[unit]);
}

static int
set_size(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	static const struct amount size = { parse_size, add_size,
		"size: a number of bytes, or with K, M, G, T or P,", "small", "large" };
	return set_amount(row, member, values->v[0], refusal, &size);
}

static void
format_size(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	add_size(out, *(const int64_t *)member);
}

static void
add_bool_words(const struct option *row, struct buf *out)
{
	(void)row;
	buf_adds(out, "true false ");
}

const struct kind kind_bool = {
	.set = set_bool,
	.format = format_bool,
	.words = add_bool_words,
};

const struct kind kind_int = {
	.set = set_int,
	.format = format_int,
};

const struct kind kind_duration = {
	.set = set_duration,
	.format = format_duration,
};

const struct kind kind_size = {
	.set = set_size,
	.format = format_size,
};
