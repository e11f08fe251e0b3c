/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_TEXT_H
#define FILEMON_CTL_TEXT_H

/*
 * Words and numbers for people.  Nothing here lets a byte of a path or of a
 * handler's output steer a terminal.  Functions that return char * give memory
 * that the caller frees.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * As vis(3) with VIS_CSTYLE, but valid UTF-8 stays as it is: control
 * characters, invalid bytes and marks that turn the direction of writing are
 * escaped, a backslash is doubled.
 */
void text_vis(struct buf *, const char *, size_t);
char *text_vis_str(const char *);
/* As text_vis, line by line, each after indent; ends with a newline. */
void text_vis_lines(struct buf *, const char *, size_t, const char *indent);

bool text_is_utf8(const char *, size_t);
/* Standard base64 with padding; NULL where it is none. */
char *text_base64_decode(const char *, size_t *len);

#define TEXT_SHORT 32
/* "1,204"; all of these return out, which has TEXT_SHORT bytes. */
char *text_count(int64_t, char *out);
/* Which of both goes with n. */
const char *text_plural(int64_t n, const char *one, const char *many);
/* KiB as "0.9 MB", "12.3 MB", "1.2 GB" */
char *text_memory(int64_t kib, char *out);
/* "2 min ago" of an RFC 3339 time, "" where it is none. */
char *text_ago(const char *rfc3339, int64_t now_wall_ns, char *out);

/* A time that ns since 1970 in 64 bits do not tell, and the last one that they do. */
#define TEXT_TIME_RANGE (-2)
#define TEXT_TIME_LAST "2262-04-11 23:47:16 UTC"
/*
 * An RFC 3339 time, or a local "2026-01-31[ 13:59[:43]]", in ns; -1 if neither,
 * TEXT_TIME_RANGE if before 1970 or after TEXT_TIME_LAST.
 */
int64_t text_parse_time(const char *);
/* The same, or "today", "yesterday" (their beginning) or today's "13:59[:43]". */
int64_t text_parse_near_time(const char *, int64_t now_wall_ns);

/* The name nearest to word, for "did you mean"; NULL where nothing is near. */
const char *text_nearest(const char *word, const char *const *names, size_t n);

#endif
