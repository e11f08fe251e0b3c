/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_LADDER_H
#define FILEMON_WATCH_LADDER_H

/*
 * Opens directories of a watch, however long their paths are, and never through
 * a symbolic link: each from the one that it is in.  While directories wait to be
 * listed, those above the last ones stay open (the rungs), so that the next one
 * is mostly one name away.  Bounded; what has no rung is reached from the root.
 * Where descriptors are scarce it does without.
 *
 * A rung is the directory that its number had when it was opened: none outlasts
 * a change of the table's paths, or the end of the listing; whoever sees that the
 * way to a directory is another one clears them.
 *
 * A path may lead through another directory than the table has there, where the
 * rename is still to be read.  So the one that a directory is opened in is the
 * table's, as the number shows that the kernel has for it.
 */

#include <stdbool.h>
#include <stdint.h>

struct fm_watch;
struct path;

#define LADDER_MAX 16

struct ladder {
	struct {
		uint32_t dir;
		int fd;
		bool sure; /* it is the one that the table has */
	} rungs[LADDER_MAX];
	unsigned n;
	uint64_t version; /* of the table */
};

/*
 * open(2) of the directory whose path it is (flags besides O_DIRECTORY, O_NOFOLLOW,
 * O_CLOEXEC).  ENOENT also where another directory is at the path of the root, or of
 * the one that it is in.
 */
int ladder_open(struct fm_watch *, const struct path *, int flags);
/* Takes fd, the table's directory dir, in which others are likely to be opened soon. */
void ladder_keep(struct fm_watch *, uint32_t dir, int fd);
/* Closes the rungs where nothing waits to be listed. */
void ladder_rest(struct fm_watch *);
void ladder_clear(struct ladder *);

#endif
