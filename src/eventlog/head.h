/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_HEAD_H
#define FILEMON_EVENTLOG_HEAD_H

/*
 * The beginning of a record, read without taking it apart as JSON: members of
 * version 1 stand in this order, {"v":1,"seq":N,"id":"...","timestamp_utc":"...".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {"v":1,"seq":1,"id":"…","timestamp_utc":"…","event_type":{"type":"…"}} is longer. */
#define RECORD_MIN 100

struct record_head {
	uint64_t seq;
	const char *time; /* within the line, not terminated; NULL: none was found */
	size_t time_len;
};

/* A line without its newline; false where it is no whole record. */
bool head_parse(const char *line, size_t len, struct record_head *);
/* As strcmp(3), of the time and an RFC 3339 time in UTC with nanoseconds. */
int head_compare_time(const struct record_head *, const char *time);

#endif
