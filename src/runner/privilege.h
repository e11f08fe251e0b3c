/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_PRIVILEGE_H
#define FILEMON_RUNNER_PRIVILEGE_H

/*
 * What a child gives up before its program begins: it becomes its user, for
 * good, and takes its limits.  Async-signal-safe, for a child after fork(2).
 */

#include <stdint.h>

struct spawn_user;

/*
 * Groups, ids and capabilities (inheritable and ambient ones too) become the
 * user's; that there is no way back is tried.  The bounding set stays: a set-uid
 * program such as sudo(8) is for the administrator to allow or not.  -1 with
 * errno.
 */
int privilege_drop(const struct spawn_user *);

struct privilege_limits {
	int64_t memory_max; /* bytes; 0: none */
	int64_t cpu_weight; /* 1 to 10000, 100 is normal; 0: none */
};

/*
 * As well as resource limits can do what a cgroup does: RLIMIT_DATA for each
 * process, and a nice value.  -1 with errno.
 */
int privilege_limit(const struct privilege_limits *);

#endif
