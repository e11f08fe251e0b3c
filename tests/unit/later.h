/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_LATER_H
#define FILEMON_TESTS_LATER_H

/* A clock that a test sets ahead, so that what takes long is due at once. */

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t later; /* s; so far ahead is the clock that the loop reads */

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);
	now->tv_sec += later;
	return result;
}

#endif
