/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_ENTRIES_H
#define FILEMON_WATCH_ENTRIES_H

/*
 * What is in the directory that is being listed (listing.h): its names are told,
 * each with no more than the caller asked for, and the directories among them are
 * found in the table or added to it, and listed next.  Children that the names have
 * not shown by the end are forgotten with all below them.
 */

struct fm_watch;

/* Before the first name is read. */
void entries_begin(struct fm_watch *);
/* Of those that were read, at most max; 1: all; 0: not yet; -1: errno. */
int entries_tell(struct fm_watch *, unsigned max);
/* All of the directory was told. */
void entries_end(struct fm_watch *);

#endif
