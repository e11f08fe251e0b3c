/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/privilege.h"

#include <errno.h>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/caps.h"
#include "runner/spawn.h"

#define NORMAL_WEIGHT 100
#define NICE_MAX 19

static int
check_no_way_back(void)
{
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == -1)
		return 0;
	errno = EPERM;
	return -1;
}

int
privilege_drop(const struct spawn_user *user)
{
	if (setgroups((size_t)user->n_groups, user->groups) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1 ||
	    setresuid(user->uid, user->uid, user->uid) == -1)
		return -1;
	if (user->uid == 0)
		return 0;
	return caps_limit(0) == -1 ? -1 : check_no_way_back();
}

/* A step of nice is a factor of 1.25 in weight (sched(7)).  More than normal is
   not for everybody to take. */
static int
nice_of(int64_t weight)
{
	int nice = 0;
	while (nice < NICE_MAX && weight < NORMAL_WEIGHT) {
		weight = weight * 5 / 4 + (weight < 4);
		nice++;
	}
	return nice;
}

int
privilege_limit(const struct privilege_limits *limits)
{
	struct rlimit memory = { (rlim_t)limits->memory_max, (rlim_t)limits->memory_max };
	int nice = limits->cpu_weight > 0 ? nice_of(limits->cpu_weight) : 0;
	if (limits->memory_max > 0 && setrlimit(RLIMIT_DATA, &memory) == -1)
		return -1;
	if (nice == 0)
		return 0;
	nice += getpriority(PRIO_PROCESS, 0);
	return setpriority(PRIO_PROCESS, 0, nice < NICE_MAX ? nice : NICE_MAX);
}
