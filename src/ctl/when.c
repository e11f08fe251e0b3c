/* SPDX-License-Identifier: ISC */
#include "ctl/when.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "eventlog/head.h"

#define NSEC_PER_MSEC INT64_C(1000000)

/* So long ago; what is longer ago than 1970 is from the beginning. */
static int64_t
ago_ns(int64_t ms)
{
	int64_t now = clk_wall_ns();

	return ms < now / NSEC_PER_MSEC ? now - ms * NSEC_PER_MSEC : 0;
}

void
when_parse(struct ctl *ctl, const char *option, const char *arg, struct when *when)
{
	int64_t ms, ns;

	*when = (struct when){ .set = true };
	if (*arg != '\0' && strspn(arg, "0123456789") == strlen(arg)) {
		when->seq = strtoull(arg, NULL, 10);
		return;
	}
	ms = clk_parse_duration(arg);
	ns = ms != -1 ? ago_ns(ms) : text_parse_near_time(arg, clk_wall_ns());
	if (ns == TEXT_TIME_RANGE)
		usage_error(ctl,
		    "%s: %s: out of range: a time from 1970-01-01 to " TEXT_TIME_LAST
		    " is wanted",
		    option, arg);
	if (ns < 0)
		usage_error(ctl,
		    "%s: %s: a sequence number, a duration like 10m or a time "
		    "like '2026-01-31 13:59' is wanted",
		    option, arg);
	clk_rfc3339(ns, when->time);
}

bool
when_is_set(const struct when *when)
{
	return when->set;
}

bool
when_is_after(const struct when *one, const struct when *other)
{
	if (!one->set || !other->set || (*one->time != '\0') != (*other->time != '\0'))
		return false;
	return *one->time != '\0' ? strcmp(one->time, other->time) > 0
				  : one->seq > other->seq;
}

int
when_compare(const struct record_head *head, const struct when *when)
{
	if (*when->time != '\0')
		return head->time == NULL ? 0 : head_compare_time(head, when->time);
	return head->seq < when->seq ? -1 : head->seq > when->seq;
}
