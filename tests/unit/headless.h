/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_HEADLESS_H
#define FILEMON_TESTS_HEADLESS_H

/* A child whose first thread has ended while another lives: /proc shows it as Z. */

#include <pthread.h>
#include <unistd.h>

#include "runner/procs.h"
#include "unit.h"

static void *
stay_alive(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* In a session of its own. */
static struct proc
start_headless(void)
{
	struct proc proc = { 0 };
	pthread_t thread;
	pid_t pid = fork();
	if (pid == 0) {
		if (setsid() == -1 || pthread_create(&thread, NULL, stay_alive, NULL))
			_exit(1);
		alarm(60); /* holds no failed test up for ever */
		pthread_exit(NULL);
	}
	ck_assert_int_gt(pid, 0);
	while (!proc.headless)
		ck_assert_int_eq(procs_stat(pid, &proc), 0);
	return proc;
}

#endif
