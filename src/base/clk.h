/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_CLK_H
#define FILEMON_BASE_CLK_H

/*
 * Time.  Back-off, time-outs and ages are on CLOCK_MONOTONIC in milliseconds;
 * wall time is only to show.
 */

#include <stdint.h>

int64_t clk_mono_ms(void);
int64_t clk_mono_ns(void);
int64_t clk_wall_ns(void); /* since 1970-01-01 UTC */
/* The same as the kernel stamps files: no file that is changed later has an earlier one,
   of those on this machine. */
int64_t clk_stamp_ns(void);

#define CLK_RFC3339_SIZE sizeof("2026-01-31T13:59:43.416755123Z")
/* Writes RFC 3339 in UTC with nanoseconds; returns its length (30). */
int clk_rfc3339(int64_t wall_ns, char out[CLK_RFC3339_SIZE]);

/* "20ms" "5s" "2m" "1h" "1d" "1.5s" "0" -> milliseconds; -1 where malformed. */
int64_t clk_parse_duration(const char *);
/* "350 ms", "4.2 s", "3 min 5 s", "2 h 10 min", "4 d 2 h"; returns out. */
char *clk_format_duration(int64_t ms, char *out, unsigned size);

#endif
