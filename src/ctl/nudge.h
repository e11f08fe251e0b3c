/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_NUDGE_H
#define FILEMON_CTL_NUDGE_H

/*
 * To a filemond that holds its lock but has no socket where it was looked for:
 * its watcher makes one that was removed again when SIGCONT tells it to look.
 */

#include <stdint.h>

/* How long that watcher has run, in ms, after it was told; -1: there is none, or it
   cannot be told, or still opens its state.  One that has just begun makes its socket
   by itself. */
int64_t nudge_watcher(const char *state_dir);

#endif
