/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_LOCAL_H
#define FILEMON_RUNNER_LOCAL_H

/*
 * Whether a path lies on a file system of this machine's own, where a look is
 * over soon.  What lies across a network, or in the hands of another process
 * (FUSE), may keep who looks waiting for ever.
 */

#include <stdbool.h>

/* false, too, where it cannot be looked at. */
bool local_path(const char *path);

#endif
