/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SEGMENTS_H
#define FILEMON_CTL_SEGMENTS_H

/*
 * Reads the event log: its segments (eventlog/name.h), compressed ones too, in
 * order, line by line, from anywhere on, while it is being written, rotated,
 * compressed and cut.  Only complete lines are given.  Memory is a block, a
 * line, and a frame of a compressed segment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segments;

/* The directory may be missing yet. */
struct segments *segments_open(const char *dir);
void segments_close(struct segments *);

/* Before the first record; behind the last. */
void segments_seek_start(struct segments *);
void segments_seek_end(struct segments *);

typedef bool (*segments_wanted_cb)(void *ctx, const char *line, size_t len);
/* So far from the end that n wanted records follow, or all there are. */
void segments_seek_last(struct segments *, long n, segments_wanted_cb, void *ctx);
/*
 * To, or some lines before, the first line that is not before what is looked
 * for; lines must be in that order.  Segments are found by halving, and so is
 * the place in them: little is read, however long the log is.
 */
void segments_seek(struct segments *, segments_wanted_cb is_before, void *ctx);

/*
 * 1 with a line (without its newline, valid until the next call), 0 where there
 * is none yet, -1 with errno.
 */
int segments_next(struct segments *, const char **line, size_t *len);
/* The segment of the line that was given last; for the caller to free. */
char *segments_place(const struct segments *);
/* After -1: the path that cannot be read; for the caller to free. */
char *segments_trouble(const struct segments *);

#endif
