/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_FANEVENT_H
#define FILEMON_WATCH_FANEVENT_H

/*
 * The records that fanotify(7) gives, taken apart.  Information records come
 * in any order, and newer kernels have types not known here: they are walked
 * by type and length, within bounds.  Pure: no system calls.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/handles.h"

/* A name in a directory; "." is the directory itself. */
struct fan_place {
	bool given;
	uint64_t fsid;
	struct handle dir; /* its fs is not filled in */
	const char *name;
	size_t len;
};

struct fan_event {
	uint64_t mask;
	int pid;
	int pidfd;		/* -1: none; ours to be closed */
	struct fan_place place; /* FAN_RENAME: the old one */
	struct fan_place to;	/* FAN_RENAME */
	struct handle object;	/* what has the name; len 0: not said */
};

/*
 * Takes the event at *p apart and moves *p behind it.  False where there is
 * none that is whole: then the rest up to end is of no use.
 */
bool fan_event_next(const char **p, const char *end, struct fan_event *);

#endif
