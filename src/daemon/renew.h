/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_RENEW_H
#define FILEMON_DAEMON_RENEW_H

/*
 * filemond becomes a new filemond by exec: the pid stays and the lock is held
 * all the while, the program is the one that is at its path by then.  What is
 * handed over are descriptors, named in one variable of the environment, which
 * is meant for this very process and taken away before anything is started.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/locks.h"
#include "watcher/handover.h"

struct renew {
	char *exe;   /* the path by which it was started, absolute; NULL: not known */
	char **argv; /* after argv[0], NULL-terminated; lent */
};

/* argv0 as main got it; argv is for the caller to set. */
void renew_init(struct renew *, const char *argv0);
/*
 * Would it start?  Runs it with --test, and waits for its end, but not long.
 * -1 with the reason.
 */
int renew_try(const struct renew *, char *why, size_t size);

struct renewal {
	unsigned count; /* how often it was done; 0: it was not */
	struct locks locks;
	int report_fd; /* to whoever waits for it to be ready; -1 */
	struct handover hand;
};

/* Returns only where it fails: -1 with errno, and everything as it was. */
int renew_exec(const struct renew *, const struct renewal *);
/*
 * In the new one, once and early.  False: there is none, or nothing that can be
 * believed.
 */
bool renew_take(struct renewal *);
/* Closes what is above stderr and was not taken. */
void renew_close_others(const struct renewal *);

#endif
