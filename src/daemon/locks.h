/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_LOCKS_H
#define FILEMON_DAEMON_LOCKS_H

/*
 * The locks of one filemond: that of its state directory, and where that is
 * another one, that of the project's .filemon as well.  Where the state is kept
 * may be changed in the file while filemond runs; the project stays what it is.
 */

#include <stdbool.h>
#include <stddef.h>

#include "conf/config.h"

struct locks {
	int state;
	int project; /* -1: it is the same one, or there is none */
};

#define LOCKS_NONE ((struct locks){ -1, -1 })

/*
 * Those that config asks for.  What came over an exec is in *locks: it is kept
 * where it is still wanted, and closed where not.  apart: neither file nor state
 * is the project's own, so its lock is not asked for.  0, or an exit code with
 * the reason.
 */
int locks_take(
    struct locks *, const struct config *, bool apart, char *error, size_t size);
/* Writes the calling process's pid into each. */
void locks_write_pid(const struct locks *, const struct config *);
void locks_close(struct locks *);

#endif
