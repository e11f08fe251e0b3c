/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_DOER_H
#define FILEMON_WATCHER_DOER_H

/*
 * Whose doing is recorded: the process that the kernel named with the
 * notification which led to the record (fanotify, option enrich).  Exact or
 * absent: what is found by a listing has none, nor has a record that is about
 * another path than the notification.
 */

#include <filemon/watch.h>

#include "base/buf.h"
#include "eventlog/event.h"

struct watcher;

struct doer {
	struct buf json; /* of the process that was asked last */
	int pid;	 /* of json, since the last doer_forget; 0: none */
	bool known;	 /* the notification being taken names a process */
	const char *path;
	size_t path_len;
};

/* A notification about one path is taken. */
void doer_begin(struct watcher *, const struct fm_event *);
void doer_end(struct doer *);
/* What a record is to say of it; NULL: nothing. */
const char *doer_of(const struct doer *, const struct event *);
/* From here on a process is asked anew: it may have become another program. */
void doer_forget(struct doer *);

#endif
