/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_RESOLVE_H
#define FILEMON_WATCH_RESOLVE_H

/*
 * Where a directory is that only its file handle is known of: for a watch that
 * does not list the tree at its start, and learns of directories when
 * something happens in them.  The kernel says where the directory is now, which
 * may be ahead of the renames still in the queue; relink.h says "dirty" then.
 *
 * What is outside of the root or not wanted is remembered in a table of fixed
 * size, so that a busy directory elsewhere costs no system call.
 */

#include <stdbool.h>
#include <stdint.h>

struct fm_watch;
struct handle;

#define RESOLVE_ELSEWHERE 1024

/* May it be done?  It needs CAP_DAC_READ_SEARCH. */
bool resolve_works(struct fm_watch *);
/* The directory, with the handle's number; DIRTAB_NONE: it is not ours, or gone. */
uint32_t resolve_dir(struct fm_watch *, const struct handle *);

#endif
