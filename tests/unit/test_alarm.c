/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/alarm.h"

#include <ev.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/config.h"
#include "later.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "unit.h"
#include "wire/wire.h"

#define LONG_S 45.

static struct ev_loop *loop;
static struct jobs *jobs;
static struct alarms *alarms;
static int log_fd;

static void
set_up(void)
{
	const struct jobs_events events = { 0 };
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_set_fd(log_fd);
	loop = ev_loop_new(EVFLAG_SIGNALFD);
	ck_assert_ptr_nonnull(loop);
	jobs = jobs_new(loop, "", &events);
	alarms = alarms_new(jobs);
}

static void
tear_down(void)
{
	jobs_free(jobs);
	alarms_free(alarms);
	ck_assert_uint_eq(leftovers_end_all(10000), 0);
	ev_loop_destroy(loop);
	log_set_fd(STDERR_FILENO);
	close(log_fd);
}

/* The alert "loud" is raised, and its command run by sh(1). */
static void
raise_alert(const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)script };
	struct alert_config alert = { .name = (char *)"loud", .command = { argv, 3 } };
	const struct config config = {
		.project = (char *)"/", .alerts = &alert, .n_alerts = 1
	};
	const struct wire_msg msg = {
		.type = WIRE_ALERT, .name = "loud", .state = "mass-delete"
	};
	alarms_raise(alarms, &config, &msg);
}

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("the alert's command was not told of");
}

static void
wait_for_log(const char *words)
{
	static char text[4096];
	struct ev_timer guard;
	ev_now_update(loop);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
	do {
		ev_run(loop, EVRUN_ONCE);
		ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (!strstr(text, "alert loud: on-alert:"));
	ev_timer_stop(loop, &guard);
	ck_assert_msg(strstr(text, words), "%s", text);
}

START_TEST(one_that_fails_says_how)
{
	set_up();
	raise_alert("exit 3");
	wait_for_log("failed (exit 3)");
	tear_down();
}
END_TEST

START_TEST(one_that_does_not_end_is_told_of_as_that)
{
	set_up();
	raise_alert("exec sleep 1000");
	later += 61;
	wait_for_log("did not end within 60 s (it was ended)");
	tear_down();
}
END_TEST

UNIT_MAIN("alarm", one_that_fails_says_how, one_that_does_not_end_is_told_of_as_that)
