/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_SANDBOX_H
#define FILEMON_WATCHER_SANDBOX_H

/*
 * What the watcher gives up once everything is open: new privileges; by
 * seccomp(2) every system call that it has no use for (starting programs,
 * network, tracing, mounting ...); by landlock(7) writing outside the places
 * named here, executing, and TCP; of root's capabilities(7) all but those for
 * files of others, and what the backend needs.  It cannot be taken back, and
 * nobody else is concerned: the watcher has no children, handlers are the
 * runner's.
 *
 * Each may be switched off or be missing in the kernel; the report says what
 * holds.  Nothing fails for want of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define SANDBOX_PLACES_MAX 8

enum sandbox_part {
	SANDBOX_SECCOMP,
	SANDBOX_LANDLOCK,
	SANDBOX_CAPABILITIES,
	SANDBOX_PARTS
};

struct sandbox_setup {
	bool wanted[SANDBOX_PARTS];
	/* Directories that may be written below; NULL entries are passed over. */
	const char *places[SANDBOX_PLACES_MAX];
	bool fanotify; /* notifications are by fanotify(7), which opens by handle */
	uint64_t caps; /* of root's that are kept besides (base/caps.h) */
};

struct sandbox {
	struct sandbox_state {
		bool holds;
		char why[96]; /* not; "" where it holds */
	} part[SANDBOX_PARTS];
};

/* As it is called in the status. */
const char *sandbox_name(enum sandbox_part);
void sandbox_enter(const struct sandbox_setup *, struct sandbox *);

#endif
