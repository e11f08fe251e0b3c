/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_CURSOR_H
#define FILEMON_RUNNER_CURSOR_H

/*
 * How far a sink has come, in a small file: two slots of a line each, the
 * number and a check, written in turn and in place.  A write that is torn, or
 * lost with the power, leaves the other slot, which is a little older: the sink
 * is given some records again.  So no write has to wait for the disk.
 */

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	char *path;
	int fd;	       /* -1: no file */
	uint64_t seq;  /* of the last record that the sink has */
	unsigned slot; /* to be written next */
};

/* 1 it was read, 0 there is none (or none that is whole), -1 with errno. */
int cursor_open(struct cursor *, const char *path);
/* Makes the file anew, the directory too; the number may go back. */
int cursor_begin(struct cursor *, uint64_t seq);
/* Writes a number that is higher; -1 with errno: it holds, but is not written. */
int cursor_move(struct cursor *, uint64_t seq);
/* Is its file still where it belongs? */
bool cursor_is_there(const struct cursor *);
void cursor_close(struct cursor *);

#endif
