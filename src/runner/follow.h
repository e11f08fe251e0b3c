/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_FOLLOW_H
#define FILEMON_RUNNER_FOLLOW_H

/*
 * Follows the event log for one sink: from the record after a number to the
 * end of what is there, from segment to segment, and from the file straight
 * into a pipe by splice(2), so that no record passes through memory.  What the
 * pipe does not take stays in the file.  A compressed segment is fed in the same
 * way, from a file that holds its text, which others make (unpacker.h).
 *
 * Records are found by halving a segment, and what has been fed is learnt from
 * the text before the place reached; so nothing grows with the log.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct follow;

enum follow_end {
	FOLLOW_FULL,   /* the pipe takes no more */
	FOLLOW_CAUGHT, /* there is no more */
	FOLLOW_MORE,   /* so much was fed; the loop is to have its turn */
	FOLLOW_GONE,   /* nobody reads the pipe any more */
	FOLLOW_PACKED, /* the next segment is compressed: see follow_wants */
	FOLLOW_FAILED, /* errno: the log cannot be read */
};

struct follow *follow_new(const char *dir);
void follow_free(struct follow *);

/* What is fed next begins with the first record after that one. */
void follow_seek(struct follow *, uint64_t seq);
/* Feeds what is there of the records up to last, to a pipe that does not block. */
enum follow_end follow_feed(struct follow *, int pipe_fd, uint64_t last);
/* The last record that was fed whole. */
uint64_t follow_fed(struct follow *);
/* The last one before the last unread bytes; 0: not known. */
uint64_t follow_taken(struct follow *, size_t unread);
/* When the first record after seq was made, in wall time; 0: not known. */
int64_t follow_time_after(const struct follow *, uint64_t seq);
/* How many records after the one sought were not to be had: damaged, or removed
   before they were fed; not those that a gap in the log tells of. */
uint64_t follow_missed(const struct follow *);

struct follow_wants {
	uint64_t first;	     /* names the segment */
	uint64_t from, next; /* of its records: from this one up to the one before next */
};

/* FOLLOW_PACKED: of which segment the text is wanted; valid until the next call. */
const struct follow_wants *follow_wants(const struct follow *);
/* It is in fd, which is taken, but for so many records. */
void follow_give(struct follow *, int fd, uint64_t lost);
/* It cannot be had: perhaps it is not there any more. */
void follow_look_again(struct follow *);

#endif
