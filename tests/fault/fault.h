/* SPDX-License-Identifier: ISC */
/*
 * What the library that makes system calls fail (shim.c) and the program that
 * tells it which (sweep.c) know in common: a page that both have mapped, of the
 * file named in $FAULT_PAGE.
 *
 * The Nth call of a class in the processes of a role fails with an errno, or
 * that process is killed there.  That happens once: a watcher that is started
 * again has no fault.  Roles are known by setproctitle(3): until its first
 * title a process of filemond is the supervisor; what the runner forks is a
 * job, until it executes something else.
 */
#ifndef FILEMON_TESTS_FAULT_H
#define FILEMON_TESTS_FAULT_H

#include <stdint.h>

enum fault_role { ROLE_SUPERVISOR, ROLE_WATCHER, ROLE_RUNNER, ROLE_JOB, ROLES };

enum fault_class {
	CLASS_OPEN,
	CLASS_READ,
	CLASS_WRITE,
	CLASS_SYNC,
	CLASS_ENTRY, /* rename, unlink, mkdir, ftruncate */
	CLASS_MMAP,
	CLASS_FORK,
	CLASS_EXEC,
	CLASS_PIPE,
	CLASS_WATCH, /* inotify */
	CLASS_ACCEPT,
	CLASS_STAT,
	CLASS_LIST,
	CLASS_SOCKET,
	CLASS_POLL,
	CLASS_MEMORY,
	CLASSES
};

#define FAULT_KILL (-1)	 /* instead of an errno */
#define FAULT_POWER (-2) /* see shadow.c */

struct fault_page {
	/* What to do; error 0 is to count only. */
	int32_t role, class, nth, error;
	uint32_t seed; /* of FAULT_POWER */
	/* What was done. */
	uint32_t fired;
	uint32_t hits[ROLES][CLASSES];
	/* Added to the clock of the wall. */
	int64_t clock_ns;
	/* Of FAULT_POWER: the directory, and where what is left of it goes. */
	char disk[512], left[512];
};

#endif
