/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_INOTIFY_H
#define FILEMON_WATCH_INOTIFY_H

/*
 * inotify(7): the descriptor, its watches, and what is read from it.
 */

#include <stddef.h>

struct fm_watch;

/* Applies bytes as they come from the kernel; arbitrary ones do no harm. */
void inotify_feed(struct fm_watch *, const void *, size_t len);

#endif
