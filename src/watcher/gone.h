/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_GONE_H
#define FILEMON_WATCHER_GONE_H

/* The end of a path and of what was below it: rows, records, handlers to be told. */

struct place;

/* The path is gone, and all below it before it. */
void gone_place(struct place *);
/* All below the path, which itself is there. */
void gone_below(struct place *);

#endif
