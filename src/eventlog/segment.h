/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_SEGMENT_H
#define FILEMON_EVENTLOG_SEGMENT_H

/*
 * The segment that is written (eventlog/name.h), mode 0600, in a directory of
 * mode 0700.  Symbolic links are refused.  All return -1 with errno.
 */

#include <stdint.h>
#include <sys/types.h>

#include "eventlog/chain.h"

/* Makes the directory where it is missing; a descriptor of it. */
int segment_open_dir(const char *dir);
/* The segment, made where it is missing, to append to; *size is what it has. */
int segment_open(int dirfd, uint64_t seq, off_t *size);

struct segment_end {
	uint64_t seq;	       /* the last one given; 0: none yet */
	int fd;		       /* the segment to go on with; -1: a new one is wanted */
	off_t size;	       /* of fd; 0 without one */
	uint64_t torn;	       /* lines at the end that are no records */
	char hash[CHAIN_SIZE]; /* of the last record; CHAIN_NOTHING: not known */
};

/* When it was made, by the wall clock; now where the file system does not know. */
int64_t segment_born_ns(int fd);

/*
 * Finds where the log ends.  A torn last line is cut off.  No number is ever
 * given twice: where the end cannot be read, seq is one that cannot have been
 * reached.
 */
int segment_resume(int dirfd, struct segment_end *);

#endif
