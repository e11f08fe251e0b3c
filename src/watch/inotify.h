/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_INOTIFY_H
#define FILEMON_WATCH_INOTIFY_H

/*
 * inotify(7): the descriptor, its watches, and what is read from it.
 */

#include <stddef.h>
#include <stdint.h>

struct fm_watch;

struct notice {
	int wd;
	uint32_t mask, cookie;
	const char *name; /* not NUL-terminated */
	size_t len;	  /* 0: about the watched directory itself */
};

/* A descriptor, or -1 with errno. */
int inotify_open(void);
/* Watch numbers, or -1 with errno; by the descriptor of a directory it is
   exactly that one, by path it may be another by then. */
int inotify_watch_fd(struct fm_watch *, int fd, const char *path);
int inotify_watch_path(struct fm_watch *, const char *path);
void inotify_unwatch(struct fm_watch *, int wd);
/* Reads once and applies: 1 there may be more, 0 no more, -1 errno. */
int inotify_take(struct fm_watch *);
/* Applies bytes as they come from the kernel; arbitrary ones do no harm. */
void inotify_feed(struct fm_watch *, const void *, size_t len);
size_t inotify_unread(const struct fm_watch *);

#endif
