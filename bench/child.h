/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BENCH_CHILD_H
#define FILEMON_BENCH_CHILD_H

/*
 * The program being measured, and the lines that come from it: its standard
 * output and error, and a FIFO that its handlers write to (mark.c).  Lines are
 * always read as fast as they come; what a line says of a file is its number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* at: when the line was read, or, where mark wrote it (marked), what it says.
   id: -1 where no file is named. */
typedef void (*child_line_cb)(const char *line, long id, bool marked, int64_t at);

struct child_in {
	int fd; /* -1: closed */
	bool marked;
	char *bytes;
	size_t len;
};

enum { CHILD_OUT, CHILD_ERR, CHILD_FIFO, CHILD_INS };

struct child {
	pid_t pid;
	int64_t started; /* just before the start */
	struct child_in in[CHILD_INS];
	child_line_cb on_line;
};

/* fifo: made where missing; may be NULL. */
void child_start(struct child *, char **argv, const char *fifo);
/*
 * Waits up to wait_us for lines (or for fd, where it is not -1) and hands them
 * on.  True where fd is readable.
 */
bool child_poll(struct child *, int fd, int64_t wait_us);
/* Ends it, with its process group; returns false where it had ended itself. */
bool child_stop(struct child *);

#endif
