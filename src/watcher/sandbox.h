/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_SANDBOX_H
#define FILEMON_WATCHER_SANDBOX_H

/*
 * What the watcher gives up once everything is open: new privileges; by
 * seccomp(2) every system call that it has no use for (starting programs,
 * network, tracing, mounting ...); by landlock(7) writing outside the places
 * named here, executing, and TCP.  It cannot be taken back, and nobody else is
 * concerned: the watcher has no children, handlers are the runner's.
 *
 * Either may be switched off or be missing in the kernel; the report says what
 * holds.  Nothing fails for want of it.
 */

#include <stdbool.h>

#include "base/compiler.h"

#define SANDBOX_PLACES_MAX 8

struct sandbox_setup {
	bool seccomp, landlock; /* wanted */
	/* Directories that may be written below; NULL entries are passed over. */
	const char *places[SANDBOX_PLACES_MAX];
	bool fanotify; /* notifications are by fanotify(7), which opens by handle */
};

struct sandbox {
	bool seccomp, landlock; /* hold */
	char why_seccomp[96];	/* why not; "" where it holds */
	char why_landlock[96];
};

void sandbox_enter(const struct sandbox_setup *, struct sandbox *);

#endif
