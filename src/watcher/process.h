/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_PROCESS_H
#define FILEMON_WATCHER_PROCESS_H

/*
 * What a running process says of itself in /proc, as members of a record.
 * What is read is bounded.  A name of a user comes from /etc/passwd alone: a
 * name service may be on the network, and the watcher waits for nobody.
 */

#include <stdbool.h>

#include "base/buf.h"

/* Bits of the configuration's enrich. */
enum {
	ENRICH_PROCESS = 1,
	ENRICH_USER = 2,
};

/*
 * Adds "attribution", and "process_context" and "user_context" as kinds asks.
 * pidfd is of the process pid: what was read counts only if it still runs after
 * the reading; else, and where pidfd is -1, the pid is all that is added.
 */
void process_render(struct buf *, unsigned kinds, int pid, int pidfd);

/* Does it run still?  Then what was read before was its own. */
bool process_is_running(int pidfd);

struct process_ids {
	int parent, session;
};
/* false where there is no such process. */
bool process_ids(int pid, struct process_ids *);

#endif
