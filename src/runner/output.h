/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_OUTPUT_H
#define FILEMON_RUNNER_OUTPUT_H

/*
 * What a job prints.  Its lines go to the trace log, stdout as info and stderr
 * as warnings, so many a second and so much in all (in a period, for
 * one that lives long); what is over is counted and told in one line at the end.  The
 * last bytes of both together are kept for the report.  The memory does not depend on how
 * much is printed.
 */

#include <stddef.h>
#include <stdint.h>

enum output_stream { OUTPUT_STDOUT, OUTPUT_STDERR, OUTPUT_STREAMS };

struct output_limits {
	size_t tail;	     /* bytes kept for the report */
	unsigned per_second; /* lines logged */
	size_t logged_max;   /* bytes logged in all, or in each period */
	int64_t period_ms;   /* 0: there is one, without end */
};

struct output;

/* Lines are logged as "subject: text". */
struct output *output_new(const char *subject, const struct output_limits *);
void output_free(struct output *);
void output_add(
    struct output *, enum output_stream, const char *, size_t, int64_t now_ms);
/* Logs a last line without newline, and how many were not logged. */
void output_end(struct output *, int64_t now_ms);
/* Copies the tail to out (limits.tail bytes); its length. */
size_t output_tail(const struct output *, char *out);

#endif
