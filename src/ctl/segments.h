/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SEGMENTS_H
#define FILEMON_CTL_SEGMENTS_H

/*
 * Reads the event log: the segments <dir>/<first-seq, 20 digits>.ndjson in
 * order, line by line, from anywhere on, while it is being written, rotated
 * and cut.  Only complete lines are given.  Memory is a block and a line.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segments;

/* The directory may be missing yet. */
struct segments *segments_open(const char *dir);
void segments_close(struct segments *);

/* Before the first record; behind the last; before the segment that has seq. */
void segments_seek_start(struct segments *);
void segments_seek_end(struct segments *);
void segments_seek_seq(struct segments *, uint64_t seq);

typedef bool (*segments_wanted_cb)(void *ctx, const char *line, size_t len);
/* So far from the end that n wanted records follow, or all there are. */
void segments_seek_last(struct segments *, long n, segments_wanted_cb, void *ctx);

/*
 * 1 with a line (without its newline, valid until the next call), 0 where there
 * is none yet, -1 with errno.
 */
int segments_next(struct segments *, const char **line, size_t *len);

#endif
