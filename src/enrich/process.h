/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_ENRICH_PROCESS_H
#define FILEMON_ENRICH_PROCESS_H

/*
 * What a running process says of itself in /proc, as members of a record.
 * What is read is bounded.  A name of a user comes from /etc/passwd alone: a
 * name service may be on the network, and the watcher waits for nobody.
 * Whether the environment of others can be read is a matter of the sandbox.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Bits of the configuration's enrich. */
enum {
	ENRICH_PROCESS = 1,
	ENRICH_USER = 2,
	ENRICH_SESSION = 4,
	ENRICH_GIT = 8,
	ENRICH_DOER = ENRICH_PROCESS | ENRICH_USER | ENRICH_SESSION,
};

/*
 * Adds "attribution", and "process_context", "user_context" and
 * "session_context" as kinds asks.
 * pidfd is of the process pid: what was read counts only if it still runs after
 * the reading; else, and where pidfd is -1, the pid is all that is added.
 */
void process_render(struct buf *, unsigned kinds, int pid, int pidfd);

/* /proc/PID/NAME, at most max bytes, and a NUL; NULL: it cannot be read.  The caller
   frees. */
char *process_read(int pid, const char *name, size_t max, size_t *len);

/* Does it run still?  Then what was read before was its own. */
bool process_is_running(int pidfd);

struct process_ids {
	int parent, session;
	int tty; /* as in struct proc_stat */
};
/* false where there is no such process. */
bool process_ids(int pid, struct process_ids *);

#endif
