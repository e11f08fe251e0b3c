/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/argv.h"
#include "runner/child.h"
#include "runner/env.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "runner/procs.h"

#define LONG_S 45.
#define LONG_MS 3600000

static struct ev_loop *loop;
static struct jobs *jobs;
static struct child *child;
static int ups, downs, deaths, endings;
static int in_fd = -1, out_fd = -1;
static bool free_when_down, jobs_stopped;
/* The loop is left when this is true. */
static bool (*reached)(void);

static void
check_reached(void)
{
	if (reached && reached())
		ev_break(loop, EVBREAK_ALL);
}

static void
close_fds(void)
{
	if (out_fd != in_fd && out_fd != -1)
		close(out_fd);
	if (in_fd != -1)
		close(in_fd);
	in_fd = out_fd = -1;
}

static void
on_up(void *ctx, int in, int out)
{
	(void)ctx;
	ck_assert_int_eq(ups, downs);
	ups++;
	in_fd = in;
	out_fd = out;
	check_reached();
}

static void
on_down(void *ctx, const struct child_death *death)
{
	(void)ctx;
	downs++;
	deaths += death != NULL;
	close_fds();
	if (free_when_down) {
		child_free(child);
		child = NULL;
	}
	check_reached();
}

static void
on_ending(void *ctx)
{
	(void)ctx;
	endings++;
	if (in_fd != -1)
		close(in_fd);
	in_fd = -1;
}

static void
on_job_started(void *ctx, uint64_t id, pid_t pid)
{
	(void)ctx, (void)id, (void)pid;
	ck_abort_msg("a child is not a job");
}

static void
on_job_ended(void *ctx, const struct job_result *result)
{
	(void)ctx, (void)result;
	ck_abort_msg("a child is not a job");
}

static void
on_jobs_stopped(void *ctx)
{
	(void)ctx;
	jobs_stopped = true;
	check_reached();
}

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("what was waited for did not come");
}

static void
set_up(void)
{
	const struct jobs_events events = { on_job_started, on_job_ended, on_jobs_stopped,
		NULL };
	static struct ev_timer guard;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	loop = ev_loop_new(0);
	jobs = jobs_new(loop, "", &events);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
}

static void
tear_down(void)
{
	child_free(child);
	close_fds();
	jobs_free(jobs);
	leftovers_end_all(5000);
	ev_loop_destroy(loop);
}

static void
make_argv(char *const *words, struct child_spec spec)
{
	extern char **environ;
	static const struct child_hooks hooks = { on_up, on_down, on_ending, NULL };
	struct strlist argv = { 0 };
	struct env env;
	env_init(&env, environ);
	for (; *words; words++)
		strlist_add(&argv, *words);
	spec.subject = "sink test";
	spec.argv = &argv;
	spec.env = &env;
	if (spec.grace_ms == 0)
		spec.grace_ms = LONG_MS;
	if (spec.healthy_ms == 0)
		spec.healthy_ms = LONG_MS;
	if (spec.backoff_max_ms == 0)
		spec.backoff_max_ms = spec.backoff_ms;
	child = child_new(loop, jobs, &spec, &hooks);
	strlist_release(&argv);
	env_release(&env);
}

static void
make(const char *script, struct child_spec spec)
{
	char *words[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	make_argv(words, spec);
}

static void
wait_until(bool (*condition)(void))
{
	reached = condition;
	while (!condition())
		ev_run(loop, EVRUN_ONCE);
	reached = NULL;
}

static struct child_info
get_info(void)
{
	struct child_info info;
	child_get_info(child, &info);
	return info;
}

static bool
is_up(void)
{
	return ups > downs;
}

static bool
is_down(void)
{
	return child_is_down(child);
}

static bool
died_thrice(void)
{
	return get_info().deaths == 3;
}

static bool
died_once(void)
{
	return get_info().deaths == 1;
}

static bool
is_up_again(void)
{
	return ups == 2;
}

static bool
is_gone(void)
{
	return !child;
}

static bool
all_stopped(void)
{
	return jobs_stopped;
}

/* Reads a line from the child, however it comes. */
static void
read_line(char *line, size_t size)
{
	size_t n = 0;
	while (n < size - 1) {
		ssize_t got = read(out_fd, line + n, 1);
		if (got == -1 && errno == EAGAIN) {
			ev_run(loop, EVRUN_NOWAIT);
			continue;
		}
		ck_assert_int_eq(got, 1);
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
}

START_TEST(what_is_written_comes_back_by_pipes_and_by_a_socket)
{
	const enum child_io ios[] = { CHILD_IO_PIPES, CHILD_IO_SOCKET };
	char line[64];
	set_up();
	for (size_t i = 0; i < 2; i++) {
		make("read x; echo got $x; read x", (struct child_spec){ .io = ios[i] });
		child_start(child);
		wait_until(is_up);
		ck_assert_int_eq(in_fd == out_fd, ios[i] == CHILD_IO_SOCKET);
		ck_assert_int_eq(write(in_fd, "one\n", 4), 4);
		read_line(line, sizeof(line));
		ck_assert_str_eq(line, "got one\n");
		ck_assert_int_gt(get_info().pid, 0);
		child_stop(child);
		wait_until(is_down);
		ck_assert_int_eq(downs, ups);
		ck_assert_int_eq(deaths, 0);
		child_free(child);
	}
	child = NULL;
	tear_down();
}
END_TEST

START_TEST(one_that_dies_is_started_again_and_its_deaths_are_kept)
{
	set_up();
	make("echo cannot connect >&2; exit 3", (struct child_spec){ .backoff_ms = 1 });
	child_start(child);
	wait_until(died_thrice);
	struct child_info info = get_info();
	ck_assert_int_eq(info.state, CHILD_BACKOFF);
	ck_assert_uint_eq(info.starts, 3);
	ck_assert_uint_eq(info.n_last, 3);
	ck_assert_str_eq(info.last[0].text, "exit 3: cannot connect");
	ck_assert_int_le(info.restart_in_ms, 4);
	child_stop(child);
	ck_assert(child_is_down(child));
	ck_assert_int_eq(deaths, 3);
	tear_down();
}
END_TEST

START_TEST(one_that_is_not_there_is_tried_again_and_never_up)
{
	char *words[] = { (char *)"no-such-program", NULL };
	set_up();
	make_argv(words, (struct child_spec){ .backoff_ms = 1 });
	child_start(child);
	wait_until(died_thrice);
	ck_assert_int_eq(ups + downs, 0);
	ck_assert_uint_eq(get_info().starts, 0);
	ck_assert_str_eq(get_info().last[0].text, "no-such-program: not found in PATH");
	tear_down();
}
END_TEST

START_TEST(one_that_may_not_be_run_is_told_from_one_that_exits_127)
{
	char *words[] = { (char *)"/etc/passwd", NULL };
	set_up();
	make_argv(words, (struct child_spec){ .backoff_ms = LONG_MS });
	child_start(child);
	wait_until(died_once);
	ck_assert_str_eq(get_info().last[0].text, "/etc/passwd: exec: Permission denied");
	ck_assert_int_eq(ups + downs, 0);
	tear_down();
}
END_TEST

START_TEST(only_so_many_deaths_are_kept)
{
	set_up();
	make("exit 1", (struct child_spec){ .backoff_ms = 1 });
	child_start(child);
	while (get_info().deaths < CHILD_DEATHS + 2)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(get_info().n_last, CHILD_DEATHS);
	tear_down();
}
END_TEST

START_TEST(the_delay_doubles_up_to_its_bound)
{
	ck_assert_int_eq(child_delay(0, 100, 1000), 100);
	ck_assert_int_eq(child_delay(1, 100, 1000), 100);
	ck_assert_int_eq(child_delay(2, 100, 1000), 200);
	ck_assert_int_eq(child_delay(4, 100, 1000), 800);
	ck_assert_int_eq(child_delay(5, 100, 1000), 1000);
	ck_assert_int_eq(child_delay(UINT64_MAX, 1, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(child_delay(9, 0, 1000), 0);
	ck_assert_int_eq(child_delay(1, 2000, 1000), 1000);
}
END_TEST

START_TEST(a_healthy_while_resets_the_delay)
{
	set_up();
	/* Were the first death not forgiven, the second delay would be without end. */
	make("read x",
	    (struct child_spec){ .io = CHILD_IO_INPUT,
		.healthy_ms = 1,
		.backoff_ms = 1,
		.backoff_max_ms = LONG_MS });
	child_start(child);
	for (int i = 0; i < 30; i++) {
		wait_until(is_up);
		ck_assert_int_eq(out_fd, -1);
		ev_sleep(0.003);
		ev_run(loop, EVRUN_NOWAIT);
		close_fds();
		while (is_up())
			ev_run(loop, EVRUN_ONCE);
	}
	ck_assert_uint_eq(get_info().deaths, 30);
	tear_down();
}
END_TEST

START_TEST(a_start_ends_the_delay)
{
	set_up();
	make("exit 0", (struct child_spec){ .backoff_ms = LONG_MS });
	child_start(child);
	wait_until(died_once);
	ck_assert_int_gt(get_info().restart_in_ms, 0);
	child_start(child);
	wait_until(is_up_again);
	tear_down();
}
END_TEST

START_TEST(one_that_ignores_term_is_killed_with_its_descendants)
{
	set_up();
	make("trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 60; done' &"
	     " echo ready; while :; do sleep 60; done",
	    (struct child_spec){ .io = CHILD_IO_PIPES, .grace_ms = 1 });
	child_start(child);
	wait_until(is_up);
	char line[16];
	read_line(line, sizeof(line));
	child_stop(child);
	wait_until(is_down);
	struct procs left = PROCS_INIT;
	procs_tree(getpid(), &left);
	for (size_t i = 0; i < left.n; i++)
		ck_assert(left.v[i].dead); /* to be reaped */
	procs_release(&left);
	tear_down();
}
END_TEST

START_TEST(one_that_ends_at_the_end_of_its_input_is_given_the_time)
{
	set_up();
	make("trap 'exit 9' TERM; cat >/dev/null",
	    (struct child_spec){ .io = CHILD_IO_INPUT, .linger_ms = LONG_MS });
	child_start(child);
	wait_until(is_up);
	child_stop(child);
	ck_assert_int_eq(endings, 1);
	wait_until(is_down);
	ck_assert_int_eq(downs, 1);
	tear_down();
}
END_TEST

START_TEST(one_that_stays_past_its_lingering_gets_term)
{
	set_up();
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_INPUT, .linger_ms = 1 });
	child_start(child);
	wait_until(is_up);
	child_stop(child);
	wait_until(is_down);
	tear_down();
}
END_TEST

START_TEST(one_that_is_wanted_again_while_it_stops_comes_up_again)
{
	set_up();
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_NONE });
	child_start(child);
	wait_until(is_up);
	child_stop(child);
	child_start(child);
	wait_until(is_up_again);
	ck_assert_int_eq(deaths, 0);
	tear_down();
}
END_TEST

START_TEST(one_that_breaks_its_protocol_has_died_of_that)
{
	set_up();
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_SOCKET, .backoff_ms = 1 });
	child_start(child);
	wait_until(is_up);
	child_fail(child, "answered what was not asked");
	wait_until(is_up_again);
	ck_assert_int_eq(deaths, 1);
	ck_assert_str_eq(get_info().last[0].text, "answered what was not asked");
	tear_down();
}
END_TEST

START_TEST(it_may_be_freed_when_down_and_also_while_up)
{
	set_up();
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_PIPES });
	free_when_down = true;
	child_start(child);
	wait_until(is_up);
	child_stop(child);
	wait_until(is_gone);
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_PIPES });
	child_start(child);
	wait_until(is_up);
	child_free(child);
	child = NULL;
	jobs_stop(jobs);
	wait_until(all_stopped);
	tear_down();
}
END_TEST

START_TEST(the_stop_of_jobs_is_over_when_it_is_down_too)
{
	set_up();
	make("sleep 3600", (struct child_spec){ .io = CHILD_IO_PIPES });
	child_start(child);
	wait_until(is_up);
	jobs_stop(jobs);
	ck_assert_uint_eq(jobs_count(jobs), 0);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert(!jobs_stopped && is_up());
	child_stop(child);
	wait_until(all_stopped);
	ck_assert(child_is_down(child));
	tear_down();
}
END_TEST

START_TEST(every_state_has_its_name)
{
	ck_assert_str_eq(child_state_name(CHILD_BACKOFF), "backoff");
	ck_assert_str_eq(child_state_name(CHILD_STATE_MAX), "?");
}
END_TEST

UNIT_MAIN("child", what_is_written_comes_back_by_pipes_and_by_a_socket,
    one_that_dies_is_started_again_and_its_deaths_are_kept,
    one_that_is_not_there_is_tried_again_and_never_up,
    one_that_may_not_be_run_is_told_from_one_that_exits_127, only_so_many_deaths_are_kept,
    the_delay_doubles_up_to_its_bound, a_healthy_while_resets_the_delay,
    a_start_ends_the_delay, one_that_ignores_term_is_killed_with_its_descendants,
    one_that_ends_at_the_end_of_its_input_is_given_the_time,
    one_that_stays_past_its_lingering_gets_term,
    one_that_is_wanted_again_while_it_stops_comes_up_again,
    one_that_breaks_its_protocol_has_died_of_that,
    it_may_be_freed_when_down_and_also_while_up,
    the_stop_of_jobs_is_over_when_it_is_down_too, every_state_has_its_name)
