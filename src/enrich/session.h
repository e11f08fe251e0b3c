/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_ENRICH_SESSION_H
#define FILEMON_ENRICH_SESSION_H

/*
 * Where a process is worked with from: its session, its terminal, and what its
 * environment says of an SSH client and of tmux.  What it does not have is
 * looked for in the environment of the session's leader, for su(1) and sudo(8)
 * take variables away.  An environment is what the process was started with or
 * has made of it: its own word.
 */

#include <stdbool.h>

#include "base/buf.h"

/* The members of a session_context; false where there is no such process. */
bool session_render(struct buf *, int pid);

#endif
