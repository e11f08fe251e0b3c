/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "eventlog/head.h"

#include <string.h>

#define LITERAL_LEN(s) (sizeof(s) - 1)

static bool
parse_number(const char *s, const char *end, uint64_t *value)
{
	*value = 0;
	if (s == end)
		return false;
	for (; s < end; s++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*s - '0'), value))
			return false;
	return *value < INT64_MAX;
}

/* Ids have a fixed length, but who knows of what version. */
static void
find_time(const char *p, const char *end, struct record_head *head)
{
	static const char name[] = "\"timestamp_utc\":\"";
	const char *at = memmem(p, (size_t)(end - p), name, LITERAL_LEN(name));
	const char *close;
	head->time = NULL;
	head->time_len = 0;
	if (!at)
		return;
	at += LITERAL_LEN(name);
	close = memchr(at, '"', (size_t)(end - at));
	if (!close)
		return;
	head->time = at;
	head->time_len = (size_t)(close - at);
}

bool
head_parse(const char *line, size_t len, struct record_head *head)
{
	static const char begin[] = "{\"v\":1,\"seq\":";
	const char *digits = line + LITERAL_LEN(begin), *end = line + len, *p;
	if (len <= LITERAL_LEN(begin) || memcmp(line, begin, LITERAL_LEN(begin)) != 0 ||
	    line[len - 1] != '}')
		return false;
	for (p = digits; p < end && *p >= '0' && *p <= '9'; p++)
		continue;
	if (!parse_number(digits, p, &head->seq))
		return false;
	find_time(p, end, head);
	return true;
}

int
head_compare_time(const struct record_head *head, const char *time)
{
	size_t len = strlen(time);
	size_t n = head->time_len < len ? head->time_len : len;
	int order = n > 0 ? memcmp(head->time, time, n) : 0;
	if (order != 0)
		return order;
	return head->time_len < len ? -1 : head->time_len > len;
}
