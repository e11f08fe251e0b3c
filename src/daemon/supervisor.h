/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_SUPERVISOR_H
#define FILEMON_DAEMON_SUPERVISOR_H

/*
 * The supervisor: holds the lock, starts watcher and runner, and when one of
 * them dies ends everything below it and starts both again: the first time at
 * once, then after 100 ms, doubling to 30 s.  It reads no file and no message
 * but the one line by which the watcher says that it is ready.
 *
 * Where the watcher ended to make place for a new filemond, the supervisor
 * becomes that one (renew.h); if that fails, it starts both again itself.
 */

#include "daemon/pair.h"
#include "daemon/renew.h"

/*
 * Takes setup->config, and setup->report_fd, to which that line is passed on.
 * setup->signal_fd and accepted_fd are filled in.  Returns filemond's exit code: 0
 * stopped, 1 cannot work, 3 stopped and jobs were broken off.
 */
int supervisor_main(const struct pair_setup *, const struct renew *);

#endif
