/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/near.h"
#include "base/vis.h"
#include "base/xmalloc.h"

#define NSEC_PER_SEC INT64_C(1000000000)

static void
escape(struct buf *out, const char *s, size_t n)
{
	static const char from[] = "\n\t\r\b\a\v\f\\";
	static const char to[] = "ntrbavf\\";
	const char *p = *s != '\0' ? strchr(from, *s) : NULL;

	if (p != NULL) {
		buf_addc(out, '\\');
		buf_addc(out, to[p - from]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "\\%03o", (unsigned char)s[i]);
}

void
text_vis(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = buf_utf8(s + i, len - i);
		if (n > 0 && vis_is_harmless(s + i, n)) {
			buf_add(out, s + i, n);
			continue;
		}
		n = n > 0 ? n : 1;
		escape(out, s + i, n);
	}
}

char *
text_vis_str(const char *s)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, "");
	text_vis(&out, s, strlen(s));
	return out.p;
}

void
text_vis_lines(struct buf *out, const char *s, size_t len, const char *indent)
{
	const char *end = s + len;

	while (s < end) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		size_t n = (size_t)((newline != NULL ? newline : end) - s);
		buf_adds(out, indent);
		text_vis(out, s, n);
		buf_addc(out, '\n');
		s += n + (newline != NULL);
	}
}

bool
text_is_utf8(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = buf_utf8(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

char *
text_base64_decode(const char *s, size_t *len)
{
	size_t n = strlen(s), digits = strcspn(s, "=");
	struct buf out = BUF_INIT;

	if (n % 4 != 0 || n - digits > 2 || strspn(s + digits, "=") != n - digits)
		return NULL;
	if (!buf_decode_base64(&out, s)) {
		buf_release(&out);
		return NULL;
	}
	*len = out.len;
	return out.p;
}

char *
text_count(int64_t n, char *out)
{
	char digits[TEXT_SHORT], *to = out;
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

char *
text_memory(int64_t kib, char *out)
{
	double mib = (double)kib / 1024;

	if (mib >= 1024)
		snprintf(out, TEXT_SHORT, "%.1f GB", mib / 1024);
	else
		snprintf(out, TEXT_SHORT, "%.1f MB", mib);
	return out;
}

char *
text_ago(const char *rfc3339, int64_t now_wall_ns, char *out)
{
	char duration[TEXT_SHORT - sizeof(" ago") + 1];
	int64_t then = text_parse_time(rfc3339);

	*out = '\0';
	if (then < 0)
		return out;
	int64_t ms = now_wall_ns > then ? (now_wall_ns - then) / 1000000 : 0;
	if (ms >= 1000)
		ms -= ms % 1000; /* "4 s ago" needs no tenths */
	clk_format_duration(ms, duration, sizeof(duration));
	snprintf(out, TEXT_SHORT, "%s ago", duration);
	return out;
}

/* ".416755123" to ns; *end is left behind the digits. */
static int64_t
parse_fraction(const char *s, const char **end)
{
	int64_t ns = 0, unit = NSEC_PER_SEC;

	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++)
			if (unit > 1) {
				unit /= 10;
				ns += (*s - '0') * unit;
			}
	*end = s;
	return ns;
}

/* "Z" or "+02:00" to seconds east of Greenwich; false where it is neither. */
static bool
parse_zone(const char *s, int64_t *east)
{
	int hours, minutes, used = 0;
	char sign;

	*east = 0;
	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0)
		return true;
	if (sscanf(s, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3)
		return false;
	if ((sign != '+' && sign != '-') || s[used] != '\0')
		return false;
	*east = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static int64_t
to_ns(int64_t seconds, int64_t ns)
{
	if (seconds < 0 || seconds > (INT64_MAX - ns) / NSEC_PER_SEC)
		return TEXT_TIME_RANGE;
	return seconds * NSEC_PER_SEC + ns;
}

/* strptime(3) takes 31 days for every month. */
static bool
has_day(const struct tm *tm)
{
	struct tm day = {
		.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday
	};

	timegm(&day);
	return day.tm_mday == tm->tm_mday;
}

static int64_t
parse_local(const char *s)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < COUNTOF(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(s, forms[i], &tm);
		if (end != NULL && *end == '\0' && has_day(&tm)) {
			tm.tm_isdst = -1;
			return to_ns(mktime(&tm), 0);
		}
	}
	return -1;
}

int64_t
text_parse_time(const char *s)
{
	struct tm tm = { 0 };
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ns, east;

	if (end == NULL || *end == '\0')
		return parse_local(s);
	ns = parse_fraction(end, &end);
	if (!parse_zone(end, &east))
		return parse_local(s);
	if (!has_day(&tm))
		return -1;
	return to_ns(timegm(&tm) - east, ns);
}

int64_t
text_parse_near_time(const char *s, int64_t now_wall_ns)
{
	static const char *const forms[] = { "%H:%M:%S", "%H:%M" };
	time_t now = (time_t)(now_wall_ns / NSEC_PER_SEC);
	struct tm day, tm;

	localtime_r(&now, &day);
	day.tm_hour = day.tm_min = day.tm_sec = 0;
	day.tm_isdst = -1;
	if (strcmp(s, "yesterday") == 0)
		day.tm_mday--;
	if (strcmp(s, "today") == 0 || strcmp(s, "yesterday") == 0)
		return to_ns(mktime(&day), 0);
	for (size_t i = 0; i < COUNTOF(forms); i++) {
		tm = day;
		const char *end = strptime(s, forms[i], &tm);
		if (end != NULL && *end == '\0')
			return to_ns(mktime(&tm), 0);
	}
	return text_parse_time(s);
}

const char *
text_nearest(const char *word, const char *const *names, size_t n)
{
	size_t best = strlen(word) > 4 ? 3 : 2;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = near_distance(word, names[i]);
		if (strlen(word) >= 3 && strncmp(word, names[i], strlen(word)) == 0)
			d = 0; /* a word begun */
		if (d < best || (d == best && found == NULL)) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

const char *
text_plural(int64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}
