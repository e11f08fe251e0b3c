/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_WITNESS_H
#define FILEMON_WATCHER_WITNESS_H

/*
 * What the stamps of a path, and of the directories above it, testify of the time
 * of a run: was it left alone?  Notifications tell of what happened; where some were
 * lost, or come later than the outcome, this is asked.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct watcher;
struct root;
struct job;

/*
 * A number for the path and the directories above it (inode, ctime).  Where
 * nothing tells of a change, it is compared before and after a run.
 */
uint64_t witness_chain(struct watcher *, const struct root *, const char *path);
/*
 * Is the path now as it was at the start, and the directories above it?  Then
 * the handler can have read nothing else.
 */
bool witness_chain_same(struct watcher *, const struct job *);
/*
 * Events were lost during the run: was surely none of them about what the job's
 * path means?  Says no where the stamps cannot tell, so the path runs again.
 */
bool witness_untouched(struct watcher *, const struct job *);

/*
 * Pure: the clocks when a run was chosen, and now.  Was what carries this ctime
 * left alone in between?  Not if the wall clock was set meanwhile, since a stamp
 * may then lie before the start and yet be from after it.
 */
struct witness_times {
	int64_t from_wall_ns, from_mono_ms;
	int64_t wall_ns, mono_ms;
};

bool witness_is_older(const struct stat *, const struct witness_times *);

#endif
