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
#include <stdbool.h>
#include <stddef.h>

struct root;

/* Takes FM_LIST_* events. */
void scan_event(struct root *, const struct fm_event *);
void scan_release(struct root *);
/* Is an FM_LIST_FAILED to be logged?  The last one tells it, where the directory is
   tried again and again: polled, say. */
bool scan_failed_anew(const struct fm_event *);
/* May the directory be listed, and what is in it looked at?  0, or errno. */
int scan_try(struct root *, const char *path, size_t len);
/* What the rights of a directory have become: one that is shut counts as failed. */
void scan_look_at(struct root *, const char *path, size_t len);
/* A path could not be looked at: its directory is listed, or counts as failed. */
void scan_unseen(struct root *, const char *path, size_t len);

#endif
