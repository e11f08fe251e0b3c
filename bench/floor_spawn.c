/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* floor_spawn RUNS SLOTS CMD: posix_spawn and wait, SLOTS at a time. */

#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/lab.h"

static void
start(char **argv)
{
	pid_t pid;
	int rc = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

	if (rc != 0)
		errx(1, "%s: %s", argv[0], strerror(rc));
}

int
main(int argc, char **argv)
{
	unsigned long runs, slots, running = 0;
	int64_t from, to;

	if (argc < 4)
		errx(64, "usage: floor_spawn RUNS SLOTS CMD");
	runs = lab_number(argv[1]);
	slots = lab_number(argv[2]);
	from = lab_now();
	for (unsigned long i = 0; i < runs; i++) {
		if (running == slots && waitpid(-1, NULL, 0) > 0)
			running--;
		start(argv + 3);
		running++;
	}
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	to = lab_now();
	printf("{\"runs\":%lu,\"ms\":%.3f}\n", runs, (double)(to - from) / 1e6);
	return 0;
}
