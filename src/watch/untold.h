/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_UNTOLD_H
#define FILEMON_WATCH_UNTOLD_H

/*
 * Names that were written to, and were not told of because their directory was
 * postponed (backlog.h).  The listing says so of each: by its stamps alone nobody can
 * see that data came after them (fm_event.modified).
 *
 * Bits by hash, in two halves: of the listings that are under way or due, and of
 * what came since they were queued.  A name too many costs its reader a look.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNTOLD_WORDS 1024

struct untold {
	uint64_t listed[UNTOLD_WORDS], since[UNTOLD_WORDS];
};

void untold_add(struct untold *, int wd, const char *name, size_t len);
bool untold_has(const struct untold *, int wd, const char *name, size_t len);
/* What is postponed is queued to be listed; whether listings before are over. */
void untold_turn(struct untold *, bool over);

#endif
