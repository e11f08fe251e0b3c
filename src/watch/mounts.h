/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_MOUNTS_H
#define FILEMON_WATCH_MOUNTS_H

/*
 * Where another file system begins, or would be mounted by being opened, below the
 * root: at mount points, those of automounters among them, as proc(5) names them.
 * So that a listing need not look at each directory before it is opened.  What it
 * says is of the beginning of the listing, or of some directories ago.
 *
 * Bounded: where there are too many, or proc cannot be read, it is anywhere.
 */

#include <stdbool.h>
#include <stddef.h>

struct fm_watch;

struct mounts {
	bool known, anywhere;
	unsigned long listed; /* directories, when they were read */
	char *paths;	      /* relative to the root, one after the other */
	size_t len;
};

/* May what is at path, a directory by its name, be of another file system? */
bool mounts_may_be_at(struct fm_watch *, const char *path, size_t len);
/* Reads them anew the next time. */
void mounts_forget(struct mounts *);

#endif
