/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_BACKLOG_H
#define FILEMON_WATCH_BACKLOG_H

/*
 * What happens when notifications come faster than they are looked at.  Before the
 * kernel's queue is full, which would lose some of anything and have the whole tree
 * compared, directories are postponed, as few as it takes: what is told of files in
 * them is read and dropped, and when it is calm they are listed.  A file in them is
 * looked at once then, however often it was told of, and the others go on being told
 * at once.
 *
 * The fuller the queue, the larger the share that is dropped; so it settles where what
 * is left can be kept up with.  Directories themselves, renames and hidden names
 * (among which are the files that say what is to be ignored) are always told.
 *
 * Each is FM_DIRTY with FM_CAUSE_BACKLOG when it is postponed, and again for the whole
 * with each bufferful of which something was dropped.  Its listing ends it as it
 * begins: what is read after that is told.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/untold.h"

struct fm_watch;
struct notice;

struct backlog {
	unsigned limit;	      /* of the kernel's queue, in notifications; 0: never */
	unsigned level;	      /* how full it is, but for a sudden rise */
	unsigned long ask_at; /* when so many were read in all, it is asked anew */
	unsigned seen, left;  /* of this bufferful, about files; of these dropped */
	bool choosing;	      /* that is too little: others are postponed too */
	bool hit;	      /* something was dropped of this bufferful */
	unsigned long dirs;   /* that are postponed now */
	unsigned long total;  /* notifications dropped since the start */
	struct untold untold; /* the names that they were about, if written to */
};

/* The queue has room for so many. */
void backlog_init(struct fm_watch *, unsigned limit);
/* Before and after a bufferful is gone through; full: there may be more. */
void backlog_begin(struct fm_watch *, bool full);
void backlog_end(struct fm_watch *);
/* Is this notice about something in dir dropped? */
bool backlog_takes(struct fm_watch *, uint32_t dir, const struct notice *);
/* What is postponed is going to be listed. */
void backlog_queued(struct fm_watch *);
/* Was a notice dropped that said that data were written to name, in dir? */
bool backlog_hides(const struct fm_watch *, uint32_t dir, const char *name, size_t len);
/* The directory is postponed; what has it listed is the caller's. */
void backlog_enter(struct fm_watch *, uint32_t dir);
/* The directory is going to be listed, or is forgotten.  Was it postponed? */
bool backlog_leave(struct fm_watch *, uint32_t dir);

#endif
