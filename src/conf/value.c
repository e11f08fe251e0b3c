/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/compiler.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/config.h"
#include "conf/options.h"

/* The text of a refusal, and where it goes. */
struct refusal {
	char *text;
	size_t size;
};

static int refuse(const struct refusal *, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int
refuse(const struct refusal *refusal, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(refusal->text, refusal->size, fmt, ap);
	va_end(ap);
	return -1;
}

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
	return refuse(
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
		return refuse(refusal,
		    "'%.60s' is no number: %" PRId64 " to %" PRId64 " is wanted", s,
		    row->min, row->max);
	if (errno == ERANGE || n < row->min || n > row->max)
		return refuse(refusal,
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
		refuse(refusal, "'%.60s' is no %s is wanted, %s", s, amount->wanted,
		    limits.p);
	else
		refuse(refusal, "%.60s is too %s: %s is wanted", s,
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
		"size: a number of bytes, or with K, M, G or T,", "small", "large" };
	return set_amount(row, member, values->v[0], refusal, &size);
}

static void
format_size(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	add_size(out, *(const int64_t *)member);
}

static int
set_string(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	char **string = member;
	(void)row, (void)refusal;
	free(*string);
	*string = xstrdup(values->v[0]);
	return 0;
}

void
option_quote(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || (s[0] == '$' && s[1] == '{'))
			buf_addf(out, "\\%c", *s);
		else if (iscntrl((unsigned char)*s))
			buf_addf(out, "\\x%02x", (unsigned char)*s);
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void
format_string(const struct option *row, const void *member, struct buf *out)
{
	const char *string = *(char *const *)member;
	(void)row;
	if (string)
		option_quote(out, string);
}

static int
set_list(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	struct strlist *list = member;
	(void)row, (void)refusal;
	strlist_release(list);
	list->v = xcalloc(1, sizeof(*list->v));
	for (size_t i = 0; i < values->n; i++)
		strlist_add(list, values->v[i]);
	return 0;
}

static void
add_element(struct buf *out, size_t *n)
{
	buf_adds(out, (*n)++ > 0 ? ", " : "{ ");
}

static void
end_elements(struct buf *out, size_t n)
{
	buf_adds(out, n > 0 ? " }" : "{}");
}

static void
format_list(const struct option *row, const void *member, struct buf *out)
{
	const struct strlist *list = member;
	size_t n = 0;
	(void)row;
	while (n < list->n) {
		const char *s = list->v[n];
		add_element(out, &n);
		option_quote(out, s);
	}
	end_elements(out, n);
}

/* The index of the word s in "a|b|c", or -1. */
static int
choice_index(const char *choices, const char *s)
{
	size_t len = strlen(s);
	for (int i = 0; choices; i++) {
		size_t n = strcspn(choices, "|");
		if (n == len && n > 0 && strncmp(choices, s, n) == 0)
			return i;
		choices = choices[n] == '|' ? choices + n + 1 : NULL;
	}
	return -1;
}

static void
add_choice(struct buf *out, const char *choices, unsigned index)
{
	while (index-- > 0)
		choices += strcspn(choices, "|") + 1;
	buf_add(out, choices, strcspn(choices, "|"));
}

/* "a, b or c": those of the row that this version has. */
static void
add_choices(struct buf *out, const struct option *row)
{
	struct buf word = BUF_INIT;
	unsigned n = 1, count = 0;
	for (const char *p = row->choices; (p = strchr(p, '|')); p++)
		n++;
	for (unsigned i = 0; i < n; i++) {
		buf_reset(&word);
		add_choice(&word, row->choices, i);
		if (choice_index(row->planned, word.p) == -1)
			buf_addf(out, "%s%s", count++ > 0 ? ", " : "", word.p);
	}
	buf_release(&word);
}

static int
set_choice(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	const char *s = values->v[0];
	int i = choice_index(row->choices, s);
	bool planned = choice_index(row->planned, s) != -1;
	if (i != -1 && !planned) {
		*(unsigned *)member = (unsigned)i;
		return 0;
	}
	struct buf words = BUF_INIT;
	add_choices(&words, row);
	if (planned)
		refuse(refusal, "\"%s\" is not available in this version: %s is wanted",
		    s, words.p);
	else
		refuse(refusal, "'%.60s' is unknown: one of %s is wanted", s, words.p);
	buf_release(&words);
	return -1;
}

static void
format_choice(const struct option *row, const void *member, struct buf *out)
{
	add_choice(out, row->choices, *(const unsigned *)member);
}

/* "7" or "64-68". */
static int
add_codes(struct exit_set *set, const char *s)
{
	unsigned first, last;
	int end = 0;
	if (strspn(s, "0123456789-") != strlen(s) || strlen(s) > 7)
		return -1;
	if (sscanf(s, "%3u-%3u%n", &first, &last, &end) < 2 || s[end] != '\0') {
		end = 0;
		if (sscanf(s, "%3u%n", &first, &end) != 1 || s[end] != '\0')
			return -1;
		last = first;
	}
	if (first > last || last > 255)
		return -1;
	for (unsigned code = first; code <= last; code++)
		set->bits[code / 64] |= UINT64_C(1) << code % 64;
	return 0;
}

static int
set_exits(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	struct exit_set set = { { 0 } };
	if (values->n < (size_t)row->min)
		return refuse(
		    refusal, "the list is empty: at least one exit code is wanted");
	for (size_t i = 0; i < values->n; i++)
		if (add_codes(&set, values->v[i]) == -1)
			return refuse(refusal,
			    "'%.60s' is no exit code: 0 to 255, or a range like "
			    "\"64-68\", is wanted",
			    values->v[i]);
	*(struct exit_set *)member = set;
	return 0;
}

bool
exit_set_has(const struct exit_set *set, int code)
{
	return code >= 0 && code < 256 && (set->bits[code / 64] >> code % 64 & 1);
}

static void
format_exits(const struct option *row, const void *member, struct buf *out)
{
	const struct exit_set *set = member;
	size_t n = 0;
	(void)row;
	for (int code = 0; code < 256; code++) {
		int first = code;
		if (!exit_set_has(set, code))
			continue;
		while (exit_set_has(set, code + 1))
			code++;
		add_element(out, &n);
		if (first == code)
			buf_addi(out, code);
		else
			buf_addf(out, "\"%d-%d\"", first, code);
	}
	end_elements(out, n);
}

/* Names, each a bit in the order of the list, up to NULL. */
static int
set_names(unsigned *member, const struct strlist *values, const char *const *names,
    const char *wanted, const struct refusal *refusal)
{
	unsigned bits = 0;
	for (size_t i = 0; i < values->n; i++) {
		size_t t = 0;
		while (names[t] && strcmp(names[t], values->v[i]) != 0)
			t++;
		if (!names[t])
			return refuse(
			    refusal, "'%.60s' is unknown: %s", values->v[i], wanted);
		bits |= 1U << t;
	}
	*member = bits;
	return 0;
}

static void
format_names(unsigned bits, const char *const *names, struct buf *out)
{
	size_t n = 0;
	for (size_t t = 0; names[t]; t++) {
		if (!(bits & 1U << t))
			continue;
		add_element(out, &n);
		buf_adds(out, names[t]);
	}
	end_elements(out, n);
}

static const char *const enrich_names[] = { "process", "user", "session", "git", NULL };

static int
set_enrich(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	(void)row;
	return set_names(member, values, enrich_names,
	    "process, user, session or git is wanted", refusal);
}

static void
format_enrich(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	format_names(*(const unsigned *)member, enrich_names, out);
}

static const char *const type_names[] = { "file", "dir", "symlink", "other", NULL };

static int
set_types(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	(void)row;
	if (values->n == 0)
		return refuse(refusal,
		    "the list is empty: some of file, dir, symlink, other are wanted");
	return set_names(member, values, type_names,
	    "some of file, dir, symlink, other are wanted", refusal);
}

static void
format_types(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	format_names(*(const unsigned *)member, type_names, out);
}

static const struct {
	int (*set)(const struct option *, void *member, const struct strlist *,
	    const struct refusal *);
	void (*format)(const struct option *, const void *member, struct buf *);
	bool is_list;
} types[] = {
	[OPTION_BOOL] = { set_bool, format_bool, false },
	[OPTION_INT] = { set_int, format_int, false },
	[OPTION_DURATION] = { set_duration, format_duration, false },
	[OPTION_SIZE] = { set_size, format_size, false },
	[OPTION_STRING] = { set_string, format_string, false },
	[OPTION_LIST] = { set_list, format_list, true },
	[OPTION_CHOICE] = { set_choice, format_choice, false },
	[OPTION_EXITS] = { set_exits, format_exits, true },
	[OPTION_ENRICH] = { set_enrich, format_enrich, true },
	[OPTION_TYPES] = { set_types, format_types, true },
};
_Static_assert(COUNTOF(types) == OPTION_TYPE_COUNT, "a row for each type");

bool
option_is_list(const struct option *row)
{
	return types[row->type].is_list;
}

int
option_set(const struct option *row, void *section, const struct strlist *values,
    char *error, size_t size)
{
	struct refusal refusal = { error, size };
	if (!option_is_list(row) && values->n != 1)
		return refuse(&refusal, "a list of %zu: one value is wanted", values->n);
	if (row->check && row->check(values, error, size) == -1)
		return -1;
	return types[row->type].set(row, (char *)section + row->offset, values, &refusal);
}

void
option_format(const struct option *row, const void *section, struct buf *out)
{
	types[row->type].format(row, (const char *)section + row->offset, out);
}

int64_t
option_number(const struct option *row, const void *section)
{
	return *(const int64_t *)((const char *)section + row->offset);
}

void
option_release(const struct option *row, void *section)
{
	void *member = (char *)section + row->offset;
	if (row->type == OPTION_LIST)
		strlist_release(member);
	if (row->type == OPTION_STRING) {
		free(*(char **)member);
		*(char **)member = NULL;
	}
}
