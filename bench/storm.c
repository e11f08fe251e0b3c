/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "bench/storm.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/lab.h"

static pid_t pids[STORM_WRITERS];
static unsigned running;
static int64_t last_end;

static void
write_share(const struct storm *storm, unsigned writer, int64_t from)
{
	char path[LAB_PATH];

	for (unsigned long i = writer; i < storm->files; i += storm->writers) {
		int len = snprintf(path, sizeof(path), "%s/s%03lu/f%07lu", storm->top,
		    i % storm->dirs, i);
		if (len >= (int)sizeof(path))
			errx(1, "%s: the path is too long", storm->top);
		lab_write(path);
		if (storm->rate > 0)
			lab_sleep_until(
			    from + (int64_t)(i * UINT64_C(1000000000) / storm->rate));
	}
}

int64_t
storm_start(const struct storm *storm)
{
	int64_t from = lab_now();

	if (storm->writers == 0 || storm->writers > STORM_WRITERS || storm->dirs == 0)
		errx(64, "storm: 1 to %d writers, and a directory", STORM_WRITERS);
	for (running = 0; running < storm->writers; running++) {
		pids[running] = fork();
		if (pids[running] == -1)
			err(1, "fork");
		if (pids[running] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_share(storm, running, from);
		_exit(0);
	}
	return from;
}

bool
storm_over(int64_t *at)
{
	for (unsigned i = 0; i < STORM_WRITERS; i++) {
		int status;
		if (pids[i] == 0 || waitpid(pids[i], &status, WNOHANG) <= 0)
			continue;
		if (status != 0)
			errx(1, "a writer failed");
		pids[i] = 0;
		running--;
		last_end = lab_now();
	}
	*at = last_end;
	return running == 0;
}
