/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_FANOTIFY_PRIV_H
#define FILEMON_WATCH_FANOTIFY_PRIV_H

/* What the files of the fanotify backend share. */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "watch/doubt.h"
#include "watch/handles.h"
#include "watch/resolve.h"

#define FAN_FS_MAX 16

struct fm_watch;

union handle_room {
	struct file_handle head;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

struct fan_fs {
	uint64_t fsid;
	dev_t dev;
	int guard; /* inotify's watch of top; -1: unmounted */
	int top;   /* the number of the first directory met of it */
	bool met;
};

struct fanotify {
	int fd;			      /* the group */
	int guard;		      /* inotify, of the tops */
	struct fan_fs fs[FAN_FS_MAX]; /* marked; the first one is the root's */
	unsigned n_fs;
	struct handles handles;
	uint32_t cookie;
	unsigned full_reads;
	struct doubt doubt;
	uint64_t elsewhere[RESOLVE_ELSEWHERE]; /* hashes of handles that are not ours */
};

/* The number of the directory open as fd, whose file system gets its mark. */
int fan_number(struct fm_watch *, int fd, const char *path);

#endif
