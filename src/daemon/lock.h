/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_LOCK_H
#define FILEMON_DAEMON_LOCK_H

/*
 * One filemond a project: flock(2) on <state-dir>/lock, held for life.  The
 * file is never unlinked, else two could hold a lock of that name.  The pid in
 * it is for people, and is written only while the lock is held.  Watcher and
 * runner inherit the descriptor, so that the lock is not free before both are
 * gone; no job does (close-on-exec).
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The state directory must be a directory, no symbolic link, and the caller's
 * own.  A missing one is made (0700) if create is set.  -1 with a text.
 */
int lock_check_dir(const char *state_dir, bool create, char *error, size_t size);

/*
 * The descriptor; or -1 with errno: EWOULDBLOCK where another process holds
 * the lock, then *holder is its pid, 0 where that is not known after a second.
 */
int lock_take(const char *state_dir, pid_t *holder);
/* Is fd, which was opened before an exec, the lock of that directory, and held? */
bool lock_is_held(const char *state_dir, int fd);
/*
 * Does another process write to the state, whoever has the lock?  That is a filemond
 * whose lock file somebody removed.  *user is its watcher, 0 where that is not known.
 */
bool lock_is_passed_by(const char *state_dir, pid_t *user);
/* Writes the calling process's pid. */
int lock_write_pid(int fd);

#endif
