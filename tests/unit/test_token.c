/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/token.h"

#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "descriptors.h"
#include "later.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "unit.h"

#define LONG_S 45.

static char dir[64], token_path[128], key_path[128];
static struct ev_loop *loop;
static struct jobs *jobs;
static struct token *token;
static struct ev_timer guard;
static struct config config;
static size_t told;
static int code;
static char text[128];

static void
on_told(void *ctx, int c, const char *t)
{
	(void)ctx;
	told++;
	code = c;
	snprintf(text, sizeof(text), "%s", t);
	ev_break(loop, EVBREAK_ALL);
}

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("an answer did not come");
}

/* The helper that is asked. */
static void
write_helper(const char *script)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/filemon-token", dir);
	ck_assert_int_eq(fd_write_atomic(path, script, strlen(script), 0700), 0);
}

static void
set_up(void)
{
	const struct jobs_events events = { 0 };
	const struct token_hooks hooks = { on_told, NULL };
	snprintf(dir, sizeof(dir), "/tmp/test_token.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(token_path, sizeof(token_path), "%s/token", dir);
	snprintf(key_path, sizeof(key_path), "%s/key", dir);
	setenv("FILEMON_LIBEXECDIR", dir, 1);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	loop = ev_loop_new(EVFLAG_SIGNALFD);
	ck_assert_ptr_nonnull(loop);
	jobs = jobs_new(loop, "", &events);
	token = token_new(loop, jobs, &hooks);
	ev_init(&guard, on_long);
	config.token_file = token_path;
	config.token_key = key_path;
	told = 0;
}

static void
tear_down(void)
{
	char command[128];
	token_free(token);
	jobs_free(jobs);
	ck_assert_uint_eq(leftovers_end_all(10000), 0);
	ev_loop_destroy(loop);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Runs until so much was told in all, while so many seconds seem to pass. */
static void
run_until(size_t n, time_t seconds)
{
	later += seconds;
	if (told >= n)
		return;
	ev_now_update(loop);
	ev_timer_set(&guard, LONG_S, 0.);
	ev_timer_start(loop, &guard);
	while (told < n)
		ev_run(loop, 0);
	ev_timer_stop(loop, &guard);
}

START_TEST(what_a_token_says_is_told)
{
	set_up();
	write_helper("#!/bin/sh\necho tenant_id=acme\n");
	token_configure(token, &config);
	run_until(1, 0);
	ck_assert_int_eq(code, 0);
	ck_assert_str_eq(text, "tenant_id=acme\n");
	tear_down();
}
END_TEST

START_TEST(why_it_is_refused_is_told)
{
	set_up();
	write_helper("#!/bin/sh\necho it is expired\nexit 1\n");
	token_configure(token, &config);
	run_until(1, 0);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(text, "it is expired");
	tear_down();
}
END_TEST

START_TEST(without_the_helper_it_is_asked_again)
{
	set_up();
	token_configure(token, &config);
	run_until(1, 0);
	ck_assert_int_eq(code, 1);
	write_helper("#!/bin/sh\necho tenant_id=acme\n");
	run_until(2, 61);
	ck_assert_int_eq(code, 0);
	ck_assert_str_eq(text, "tenant_id=acme\n");
	tear_down();
}
END_TEST

START_TEST(without_a_descriptor_it_is_asked_again)
{
	set_up();
	write_helper("#!/bin/sh\necho tenant_id=acme\n");
	leave_descriptors(0);
	token_configure(token, &config);
	give_descriptors();
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(code, 1);
	run_until(2, 61);
	ck_assert_int_eq(code, 0);
	tear_down();
}
END_TEST

START_TEST(one_that_expires_is_asked_for_again)
{
	char script[128];
	set_up();
	snprintf(script, sizeof(script), "#!/bin/sh\necho exp=%lld\n",
	    (long long)time(NULL) + 600);
	write_helper(script);
	token_configure(token, &config);
	run_until(1, 0);
	ck_assert_int_eq(code, 0);
	write_helper("#!/bin/sh\necho it is expired\nexit 1\n");
	run_until(2, 602);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(text, "it is expired");
	tear_down();
}
END_TEST

/* As where the file that it reads is on a server that does not answer. */
START_TEST(one_that_does_not_end_is_asked_again)
{
	set_up();
	write_helper("#!/bin/sh\nexec sleep 1000\n");
	token_configure(token, &config);
	run_until(1, 31);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(text, "filemon-token did not end within 30 s");
	write_helper("#!/bin/sh\necho tenant_id=acme\n");
	run_until(2, 61);
	ck_assert_int_eq(code, 0);
	tear_down();
}
END_TEST

START_TEST(one_that_is_killed_is_asked_again)
{
	set_up();
	write_helper("#!/bin/sh\nkill -9 $$\n");
	token_configure(token, &config);
	run_until(1, 0);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(text, "filemon-token: signal 9 (Killed)");
	write_helper("#!/bin/sh\nexit 3\n");
	run_until(2, 61);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(text, "filemon-token: exit 3");
	tear_down();
}
END_TEST

UNIT_MAIN("token", what_a_token_says_is_told, why_it_is_refused_is_told,
    without_the_helper_it_is_asked_again, without_a_descriptor_it_is_asked_again,
    one_that_expires_is_asked_for_again, one_that_does_not_end_is_asked_again,
    one_that_is_killed_is_asked_again)
