/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_OPENING_H
#define FILEMON_WATCHER_OPENING_H

struct watcher;

/* All that the watcher works with, each after what it needs.  -1 where it cannot go on:
   it is said why, and what is open is the caller's to close. */
int opening_all(struct watcher *);
/* The rows of roots and handlers are there: those that the start made may have been
   taken back with all else that could not be written. */
void opening_rows(struct watcher *);

#endif
