/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_SCAN_H
#define FILEMON_WATCHER_SCAN_H

/*
 * Merges the listing of a directory, sorted by name, with its rows.  What is
 * the same costs a comparison; every difference goes to reconcile_path, which
 * looks afresh.  Rows that the listing lacks are looked at as well; a listing
 * that failed says nothing about the rest.
 */

#include <filemon/watch.h>

struct root;

/* Takes FM_LIST_* events. */
void scan_event(struct root *, const struct fm_event *);
void scan_release(struct root *);

#endif
