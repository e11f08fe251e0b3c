/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/spawn.h"

#define NORMAL_WEIGHT 100
#define NICE_MAX 19

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };
	return (int)syscall(SYS_capset, &header, none);
}

/* Linux before 4.3 has no ambient set: nothing is in it. */
static int
drop_ambient(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return errno == EINVAL ? 0 : -1;
	return 0;
}

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
	if (drop_ambient() == -1 ||
	    setgroups((size_t)user->n_groups, user->groups) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1 ||
	    setresuid(user->uid, user->uid, user->uid) == -1)
		return -1;
	if (user->uid == 0)
		return 0;
	return drop_capabilities() == -1 ? -1 : check_no_way_back();
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
