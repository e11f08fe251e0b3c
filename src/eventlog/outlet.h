/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_OUTLET_H
#define FILEMON_EVENTLOG_OUTLET_H

/*
 * Where lines go out: a descriptor, and what it has not taken yet, up to
 * OUTLET_WAITING_MAX bytes.  What comes when that is full is lost and counted,
 * and so is everything after it until all that waits is written: one hole, not
 * many.  Writing never blocks.  The owner tells of the hole (lost, lost_seq).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define OUTLET_WAITING_MAX (1024 * 1024)

enum outlet_way {
	OUTLET_PLAIN,  /* a file, or a non-blocking description of our own */
	OUTLET_SEND,   /* a socket */
	OUTLET_POLLED, /* a description that others share: asked before each write */
};

struct outlet {
	int fd; /* -1: none */
	enum outlet_way way;
	struct buf waiting;
	bool begun;	    /* the first waiting line is partly written */
	bool stuck;	    /* the last write did not take everything */
	uint64_t first_seq; /* of what waits, when the first of it came */
	uint64_t lost;	    /* since outlet_forgive */
	uint64_t lost_seq;  /* of the last one lost */
	uint64_t lost_ever;
	uint64_t written; /* bytes, ever */
};

void outlet_init(struct outlet *);
void outlet_release(struct outlet *); /* closes; what waits counts as lost */
/* Takes a line with its newline; false: it is lost. */
bool outlet_put(struct outlet *, const char *line, size_t len, uint64_t seq);
/* 0: nothing waits any more; -1 with errno, EAGAIN where there is no room now. */
int outlet_write(struct outlet *);
/* The hole has been told of. */
void outlet_forgive(struct outlet *);

/*
 * A standard output, which others may share, so it is not made non-blocking:
 * pipes and terminals are opened anew through /proc.  fd stays the caller's.
 */
int outlet_open_shared(struct outlet *, int fd);

#endif
