/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_BACKEND_H
#define FILEMON_WATCH_BACKEND_H

/*
 * A way to be told by the kernel.  Every directory that is watched has a
 * number, one per inode: watching a directory again gives the number it has,
 * and another number says that it is another directory.  What is read is
 * applied as notices (notice.h) with these numbers.  Polling needs none of it.
 */

#include <stddef.h>

#include "filemon/watch.h"

struct backend {
	enum fm_backend id;
	/* The descriptor to be waited for, or -1 with errno. */
	int (*open)(struct fm_watch *);
	void (*close)(struct fm_watch *);
	/* The root is away, and with it all that was watched. */
	void (*leave_root)(struct fm_watch *);
	/* A number, or -1 with errno.  By the descriptor of a directory it is exactly
	   that one, by path it may be another by then. */
	int (*watch_fd)(struct fm_watch *, int fd, const char *path);
	int (*watch_path)(struct fm_watch *, const char *path);
	void (*unwatch)(struct fm_watch *, int wd);
	/* Reads once and applies: 1 there may be more, 0 no more, -1 errno. */
	int (*take)(struct fm_watch *);
	/* What is in the kernel's queue, in the units of fm_watch.read_bytes. */
	size_t (*unread)(const struct fm_watch *);
};

extern const struct backend inotify_backend, fanotify_backend;

#endif
