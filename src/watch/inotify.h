/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_INOTIFY_H
#define FILEMON_WATCH_INOTIFY_H

/*
 * inotify(7): the descriptor, its watches, and what is read from it.
 */

#include <stddef.h>
#include <sys/inotify.h>

struct fm_watch;

/* What a watch tells. */
#define INOTIFY_TOLD \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | \
	    IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | \
	    IN_EXCL_UNLINK)

/* How many notifications the kernel keeps unread. */
unsigned inotify_limit(void);
/* Applies bytes as they come from the kernel; arbitrary ones do no harm. */
void inotify_feed(struct fm_watch *, const void *, size_t len);

#endif
