/* SPDX-License-Identifier: ISC */
#include "base/caps.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETS _LINUX_CAPABILITY_U32S_3

/* Linux before 4.3 has no ambient set: nothing is in it. */
static int
drop_ambient(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return errno == EINVAL ? 0 : -1;
	return 0;
}

int
caps_limit(uint64_t keep)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[SETS];

	if (drop_ambient() == -1 || syscall(SYS_capget, &header, sets) == -1)
		return -1;
	for (int i = 0; i < SETS; i++) {
		sets[i].permitted &= (uint32_t)(keep >> 32 * i);
		sets[i].effective &= sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &header, sets);
}

int
caps_effective(uint64_t want)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[SETS];

	if (syscall(SYS_capget, &header, sets) == -1)
		return -1;
	for (int i = 0; i < SETS; i++)
		sets[i].effective = sets[i].permitted & (uint32_t)(want >> 32 * i);
	return (int)syscall(SYS_capset, &header, sets);
}
