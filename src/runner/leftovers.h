/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_LEFTOVERS_H
#define FILEMON_RUNNER_LEFTOVERS_H

/*
 * The end of processes that came from us and have nobody who waits for them: at
 * the end of a process's life those below it, and at its beginning those that one
 * which was killed has left behind.  Nobody is asked first, and the loop does not
 * run meanwhile; what ends with its job is in orphans.h.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Kills (SIGKILL) everything below the calling process and reaps it, over and
 * over until nothing is left, for at most so long.  The number that could not
 * be ended.  Blocks: for the end of a process's life.
 */
size_t leftovers_end_all(int64_t max_ms);
/*
 * Kills every process whose environment variable name begins with prefix but
 * not with ours, sparing the caller and its ancestors.  The number killed.
 */
size_t leftovers_end_marked(const char *name, const char *prefix, const char *ours);

#endif
