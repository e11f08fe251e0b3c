/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/sinks.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "unit.h"

#define LONG_S 45.

static char dir[64], state[96], file[128];
static struct ev_loop *loop;
static struct jobs *jobs;
static struct sinks *sinks;
static struct ev_timer guard;
static pid_t stays; /* the sink of that name, as it was told last */
static bool told;

static void
on_report(void *ctx, const struct wire_msg *msg)
{
	(void)ctx;
	if (strcmp(msg->name, "stays") != 0)
		return;
	stays = msg->pid;
	told = true;
}

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("nothing was told of the sink");
}

static void
set_up(void)
{
	const struct jobs_events events = { 0 };
	const struct sinks_hooks hooks = { on_report, NULL };
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	snprintf(dir, sizeof(dir), "/tmp/test_sinks.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(state, sizeof(state), "%s/.filemon", dir);
	ck_assert_int_eq(mkdir(state, 0700), 0);
	snprintf(file, sizeof(file), "%s/filemon.conf", state);
	loop = ev_loop_new(EVFLAG_SIGNALFD);
	ck_assert_ptr_nonnull(loop);
	jobs = jobs_new(loop, "", &events);
	sinks = sinks_new(loop, jobs, &hooks);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
}

static void
tear_down(void)
{
	char command[128];
	sinks_free(sinks);
	jobs_free(jobs);
	ck_assert_uint_eq(leftovers_end_all(10000), 0);
	ev_loop_destroy(loop);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* One that stays, and as many others as there may be, whose names are new. */
static void
configure(int round)
{
	const struct config_source source = { .project = dir };
	struct config_error error;
	FILE *out = fopen(file, "w");
	ck_assert_ptr_nonnull(out);
	fprintf(out, "sink stays { command = { \"sleep\", \"1000\" } }\n");
	for (int i = 1; i < CONFIG_SINKS_MAX; i++)
		fprintf(out,
		    "sink s%d-%d {\n command = { \"sleep\", \"1000\" }\n"
		    " stop-grace = 1h\n}\n",
		    round, i);
	ck_assert_int_eq(fclose(out), 0);
	struct config *config = config_load(&source, &error);
	ck_assert_msg(config, "%s", error.text);
	sinks_configure(sinks, config);
	config_free(config);
}

static void
wait_until_it_is_told(uint64_t seq)
{
	told = false;
	sinks_log(sinks, seq);
	while (!told || stays <= 0)
		ev_run(loop, EVRUN_ONCE);
}

START_TEST(one_that_is_as_it_was_goes_on_whatever_is_still_ending)
{
	set_up();
	configure(0);
	wait_until_it_is_told(1);
	pid_t was = stays;
	for (int round = 1; round <= 3; round++) {
		configure(round);
		wait_until_it_is_told(1 + (uint64_t)round);
	}
	ck_assert_int_eq(stays, was);
	tear_down();
}
END_TEST

UNIT_MAIN("sinks", one_that_is_as_it_was_goes_on_whatever_is_still_ending)
