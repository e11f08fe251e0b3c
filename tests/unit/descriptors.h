/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_DESCRIPTORS_H
#define FILEMON_TESTS_DESCRIPTORS_H

/* A process that has no descriptor free, for a while. */

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"

/* So many can be opened yet. */
static void
leave_descriptors(rlim_t n)
{
	struct rlimit limit;
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	close(lowest);
	limit.rlim_cur = (rlim_t)lowest + n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
give_descriptors(void)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif
