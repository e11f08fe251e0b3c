/* SPDX-License-Identifier: ISC */
#include "base/nofile.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit given;
static bool raised;

void
nofile_raise(void)
{
	struct rlimit most;

	if (!raised && getrlimit(RLIMIT_NOFILE, &given) == -1)
		return;
	most = given;
	most.rlim_cur = most.rlim_max;
	raised = setrlimit(RLIMIT_NOFILE, &most) == 0;
}

void
nofile_restore(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &given);
}
