/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_FOLLOW_H
#define FILEMON_RUNNER_FOLLOW_H

/*
 * Follows the event log for one sink: from the record after a number to the
 * end of what is there, from segment to segment, and from the file straight
 * into a pipe by splice(2), so that no record passes through memory.  What the
 * pipe does not take stays in the file.
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
	FOLLOW_PACKED, /* the next segment is compressed: see follow_packed */
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
/* How many records after the one sought are not there any more. */
uint64_t follow_missed(const struct follow *);

/* FOLLOW_PACKED: its path, which stays the follower's. */
const char *follow_packed(const struct follow *);
/* It was fed by other means, as a whole. */
void follow_skip_packed(struct follow *);

#endif
