/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_LISTENER_H
#define FILEMON_WATCHER_LISTENER_H

/*
 * A Unix socket that listens at a path of any length, and whether it is still
 * what is found there.  Who listens holds the lock of the project, so what is
 * in the way and does not answer is left over and goes.
 */

#include <stdbool.h>
#include <sys/types.h>

struct listener {
	const char *path; /* the caller's */
	int fd;
	dev_t dev; /* of its name */
	ino_t ino;
};

/* -1 with errno; then the listener is as it was. */
int listener_open(struct listener *, const char *path);
/* The name goes too where it is still that of this socket. */
void listener_close(struct listener *);
/* Would who connects to the path reach this socket?  True also where that cannot
   be looked at. */
bool listener_is_there(const struct listener *);
/*
 * Makes it again at its path; connections that were accepted live on.  -1 with
 * errno: EADDRINUSE where another process answers there by now, which is let be.
 */
int listener_renew(struct listener *);

#endif
