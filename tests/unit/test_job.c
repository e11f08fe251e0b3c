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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/log.h"
#include "descriptors.h"
#include "headless.h"
#include "runner/env.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"

#define LONG_S 45.
#define RUNS 8

struct seen {
	bool started, ended;
	struct job_result result;
	char text[256];
	char output[WIRE_OUTPUT_MAX + 1];
};

static struct ev_loop *loop;
static struct jobs *jobs;
static struct seen seen[RUNS];
static int wanted; /* jobs whose end is waited for */
static bool stopped;
static bool quick; /* of the jobs that are started */
static char dir[64];

static void
on_started(void *ctx, uint64_t id, pid_t pid)
{
	(void)ctx;
	ck_assert(id < RUNS && !seen[id].started && pid > 0);
	seen[id].started = true;
}

static void
on_ended(void *ctx, const struct job_result *r)
{
	(void)ctx;
	ck_assert(r->id < RUNS && !seen[r->id].ended && r->output_len <= WIRE_OUTPUT_MAX);
	struct seen *s = &seen[r->id];
	s->ended = true;
	s->result = *r;
	snprintf(s->text, sizeof(s->text), "%s", r->text);
	memcpy(s->output, r->output, r->output_len);
	if (--wanted == 0)
		ev_break(loop, EVBREAK_ALL);
}

static void
on_stopped(void *ctx)
{
	(void)ctx;
	ck_assert(!stopped);
	stopped = true;
	ev_break(loop, EVBREAK_ALL);
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
	const struct jobs_events events = { on_started, on_ended, on_stopped, NULL };
	static struct ev_timer guard;
	/* As filemond is: what it ignores must not be ignored in its jobs. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL); /* check has a handler */
	snprintf(dir, sizeof(dir), "/tmp/test_job.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("T", dir, 1), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_set_fd(null);
	loop = ev_loop_new(0);
	jobs = jobs_new(loop, "", &events);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
}

static void
tear_down(void)
{
	int status;
	jobs_free(jobs);
	leftovers_end_all(5000);
	ev_loop_destroy(loop);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static int
start_argv(uint64_t id, char *const *argv, int64_t timeout_ms, int64_t grace_ms,
    struct spawn_error *error)
{
	extern char **environ;
	struct env env;
	env_init(&env, environ);
	struct job_spec spec = { .id = id,
		.subject = "handler test a",
		.argv = argv,
		.env = &env,
		.cwd = dir,
		.timeout_ms = timeout_ms,
		.grace_ms = grace_ms,
		.quick = quick };
	int result = jobs_start(jobs, &spec, error);
	env_release(&env);
	return result;
}

static void
start_sh(uint64_t id, const char *script, int64_t timeout_ms, int64_t grace_ms)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct spawn_error error;
	ck_assert_int_eq(start_argv(id, argv, timeout_ms, grace_ms, &error), 0);
	wanted++;
}

static void
wait_ended(void)
{
	if (wanted > 0)
		ev_run(loop, 0);
	ck_assert_int_eq(wanted, 0);
}

static const struct seen *
run_sh(const char *script, int64_t timeout_ms, int64_t grace_ms)
{
	start_sh(1, script, timeout_ms, grace_ms);
	wait_ended();
	ck_assert_uint_eq(jobs_count(jobs), 0);
	return &seen[1];
}

/* The file that a script writes as its last act, by rename: it is whole. */
static long
read_number(const char *name)
{
	char path[96], text[32] = "";
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strtol(text, NULL, 10);
}

struct waiter {
	struct ev_timer timer;
	const char *name;
};

static void
on_look(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)events;
	if (read_number(((struct waiter *)timer)->name) != 0)
		ev_break(l, EVBREAK_ALL);
}

static pid_t
wait_for_pid(const char *name)
{
	struct waiter waiter = { .name = name };
	ev_timer_init(&waiter.timer, on_look, 0.005, 0.005);
	ev_timer_start(loop, &waiter.timer);
	while (read_number(name) == 0)
		ev_run(loop, 0);
	ev_timer_stop(loop, &waiter.timer);
	return (pid_t)read_number(name);
}

static bool
is_gone(pid_t pid)
{
	return pid > 0 && kill(pid, 0) == -1 && errno == ESRCH;
}

START_TEST(exit_codes_and_signals_are_told)
{
	set_up();
	const struct seen *s = run_sh("echo hello; echo oops >&2; exit 3", 0, 1000);
	ck_assert(s->started);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_int_eq(s->result.code, 3);
	ck_assert_int_gt(s->result.pid, 0);
	ck_assert_int_gt(s->result.duration_us, 0);
	ck_assert_int_gt(s->result.max_rss_kib, 0);
	ck_assert_ptr_nonnull(strstr(s->output, "hello\n"));
	ck_assert_ptr_nonnull(strstr(s->output, "oops\n"));
	memset(seen, 0, sizeof(seen));
	s = run_sh("kill -USR1 $$", 0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_SIGNAL);
	ck_assert_int_eq(s->result.code, SIGUSR1);
	memset(seen, 0, sizeof(seen));
	s = run_sh("kill -PIPE $$; exit 0", 0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_SIGNAL);
	ck_assert_int_eq(s->result.code, SIGPIPE);
	tear_down();
}
END_TEST

START_TEST(a_program_that_cannot_be_started_is_told_with_the_errno)
{
	set_up();
	char path[96];
	char *argv[] = { path, NULL };
	struct spawn_error error;
	snprintf(path, sizeof(path), "%s/program", dir);
	ck_assert_int_eq(start_argv(1, argv, 0, 1000, &error), 0);
	wanted = 1;
	wait_ended();
	ck_assert(!seen[1].started);
	ck_assert_int_eq(seen[1].result.outcome, WIRE_EXEC_FAILED);
	ck_assert_int_eq(seen[1].result.code, ENOENT);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ck_assert_int_eq(start_argv(2, argv, 0, 1000, &error), 0);
	wanted = 1;
	wait_ended();
	ck_assert_int_eq(seen[2].result.outcome, WIRE_EXEC_FAILED);
	ck_assert_int_eq(seen[2].result.code, EACCES);
	ck_assert_ptr_nonnull(strstr(seen[2].text, "program: exec: Permission denied"));
	argv[0] = (char *)"no-such-program-here";
	ck_assert_int_eq(start_argv(3, argv, 0, 1000, &error), -1);
	ck_assert_int_eq(error.error, ENOENT);
	ck_assert_uint_eq(jobs_count(jobs), 0);
	tear_down();
}
END_TEST

START_TEST(one_that_is_too_slow_gets_sigterm)
{
	set_up();
	const struct seen *s = run_sh(
	    "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done", 100, 30000);
	ck_assert_int_eq(s->result.outcome, WIRE_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(s->output, "bye\n"));
	tear_down();
}
END_TEST

START_TEST(one_that_is_stopped_gets_its_sigterm_too)
{
	set_up();
	const struct seen *s = run_sh("kill -STOP $$", 100, 30000);
	ck_assert_int_eq(s->result.outcome, WIRE_TIMEOUT);
	tear_down();
}
END_TEST

START_TEST(one_that_ignores_sigterm_is_killed_with_all_below_it)
{
	set_up();
	const struct seen *s = run_sh(
	    "trap '' TERM\n"
	    "sh -c 'echo $$ >x; mv x inside; while :; do sleep 1; done' &\n"
	    "setsid sh -c 'echo $$ >y; mv y outside; while :; do sleep 1; done' &\n"
	    "while :; do sleep 1; done",
	    500, 100);
	ck_assert_int_eq(s->result.outcome, WIRE_TIMEOUT);
	ck_assert(is_gone((pid_t)read_number("inside")));
	ck_assert(is_gone((pid_t)read_number("outside")));
	tear_down();
}
END_TEST

START_TEST(descendants_get_sigterm_once_before_they_are_killed)
{
	set_up();
	const char script[] =
	    "setsid sh -c 'trap \"echo term >>terms; exit\" TERM; echo $$ >y; mv y "
	    "outside;"
	    " while :; do sleep 0.01; done' & "
	    "trap 'while [ ! -s terms ]; do sleep 0.01; done; exit' TERM; "
	    "while :; do sleep 0.01; done";
	char path[96], text[64] = "";
	start_sh(1, script, 0, 30000);
	pid_t outside = wait_for_pid("outside");
	jobs_stop(jobs);
	while (!stopped)
		ev_run(loop, 0);
	ck_assert_int_eq(wanted, 0);
	ck_assert_int_eq(seen[1].result.outcome, WIRE_CUT);
	ck_assert(is_gone(outside));
	snprintf(path, sizeof(path), "%s/terms", dir);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
	fclose(file);
	ck_assert_str_eq(text, "term\n");
	tear_down();
}
END_TEST

START_TEST(what_escapes_by_double_fork_and_setsid_is_gone_at_the_end)
{
	set_up();
	const struct seen *s =
	    run_sh("setsid sh -c 'setsid sh -c \"echo \\$\\$ >y; mv y escaped; exec "
		   "sleep 600\" &' &\n"
		   "while [ ! -e escaped ]; do sleep 0.01; done; exit 5",
		0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_int_eq(s->result.code, 5);
	ck_assert(is_gone((pid_t)read_number("escaped")));
	tear_down();
}
END_TEST

START_TEST(one_that_hides_its_origin_is_gone_when_no_older_job_runs)
{
	set_up();
	const char hide[] =
	    "setsid env -i PATH=/bin:/usr/bin setsid sh -c "
	    "'echo $$ >y; mv y escaped; exec sleep 600' >/dev/null 2>&1 &\n"
	    "while [ ! -e escaped ]; do sleep 0.01; done";
	start_sh(1, "while [ ! -e end ]; do sleep 0.01; done", 0, 1000);
	start_sh(2, hide, 0, 1000);
	pid_t escaped = wait_for_pid("escaped");
	while (!seen[2].ended)
		ev_run(loop, EVRUN_ONCE);
	/* It may be of job 1, which runs. */
	ck_assert_int_eq(kill(escaped, 0), 0);
	char path[96];
	snprintf(path, sizeof(path), "%s/end", dir);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	wait_ended();
	while (!is_gone(escaped))
		ev_run(loop, EVRUN_ONCE);
	tear_down();
}
END_TEST

START_TEST(an_orphan_whose_first_thread_has_ended_is_killed_too)
{
	set_up();
	pid_t orphan = start_headless().pid;
	run_sh("exit 0", 0, 1000);
	ck_assert(is_gone(orphan));
	tear_down();
}
END_TEST

START_TEST(without_a_descriptor_to_look_with_no_job_is_over)
{
	set_up();
	char path[96];
	start_sh(1,
	    "echo $$ >x; mv x self; setsid sh -c 'setsid sh -c \"echo \\$\\$ >y;"
	    " mv y escaped; exec sleep 600\" &' >/dev/null 2>&1 &\n"
	    "while [ ! -e end ]; do sleep 0.01; done",
	    0, 1000);
	pid_t self = wait_for_pid("self"), escaped = wait_for_pid("escaped");
	snprintf(path, sizeof(path), "%s/end", dir);
	leave_descriptors(0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	while (!is_gone(self))
		ev_run(loop, EVRUN_ONCE);
	bool ended = seen[1].ended;
	give_descriptors();
	ck_assert(!ended);
	wait_ended();
	ck_assert(is_gone(escaped));
	tear_down();
}
END_TEST

START_TEST(a_long_lived_process_spares_none_that_hides)
{
	extern char **environ;
	char *argv[] = { (char *)"sleep", (char *)"600", NULL };
	static const struct job_owner owner = { NULL, NULL, NULL };
	struct spawn_error error;
	struct env env;
	set_up();
	env_init(&env, environ);
	struct job_spec spec = { .id = jobs_own_id(jobs),
		.subject = "sink test",
		.argv = argv,
		.env = &env,
		.owner = &owner };
	ck_assert_int_eq(jobs_start(jobs, &spec, &error), 0);
	env_release(&env);
	start_sh(2,
	    "setsid env -i PATH=/bin:/usr/bin setsid sh -c "
	    "'echo $$ >y; mv y escaped; exec sleep 600' >/dev/null 2>&1 &\n"
	    "while [ ! -e escaped ]; do sleep 0.01; done",
	    0, 1000);
	wait_ended();
	ck_assert(is_gone((pid_t)read_number("escaped")));
	jobs_abandon(jobs, spec.id);
	tear_down();
}
END_TEST

#define FOLLOWERS 40 /* more than the list of jobs has room for at first */

static void
start_followers(void *ctx, pid_t pid)
{
	extern char **environ;
	char *argv[] = { (char *)"true", NULL };
	static const struct job_owner owner = { NULL, NULL, NULL };
	struct spawn_error error;
	ck_assert_int_gt(pid, 0);
	for (int i = 0; i < FOLLOWERS; i++) {
		struct env env;
		env_init(&env, environ);
		struct job_spec spec = { .id = jobs_own_id(jobs),
			.subject = "helper",
			.argv = argv,
			.env = &env,
			.owner = &owner };
		ck_assert_int_eq(jobs_start(jobs, &spec, &error), 0);
		env_release(&env);
	}
	*(bool *)ctx = true;
}

START_TEST(an_owner_may_start_others_when_it_is_told)
{
	extern char **environ;
	char *argv[] = { (char *)"true", NULL };
	bool told = false;
	const struct job_owner owner = { start_followers, NULL, &told };
	struct spawn_error error;
	struct env env;
	set_up();
	env_init(&env, environ);
	struct job_spec spec = { .id = jobs_own_id(jobs),
		.subject = "sink test",
		.argv = argv,
		.env = &env,
		.owner = &owner };
	ck_assert_int_eq(jobs_start(jobs, &spec, &error), 0);
	env_release(&env);
	while (!told)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(jobs_count(jobs), 0);
	tear_down();
}
END_TEST

START_TEST(an_orphan_of_a_running_job_is_left_alone_when_another_ends)
{
	set_up();
	start_sh(1,
	    "sh -c 'sh -c \"echo \\$\\$ >y; mv y orphan; exec sleep 600\" &';"
	    " while [ ! -e end ]; do sleep 0.01; done",
	    0, 1000);
	pid_t orphan = wait_for_pid("orphan");
	start_sh(2, "exit 0", 0, 1000);
	while (!seen[2].ended)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_int_eq(kill(orphan, 0), 0);
	char path[96];
	snprintf(path, sizeof(path), "%s/end", dir);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	wait_ended();
	ck_assert(is_gone(orphan));
	tear_down();
}
END_TEST

START_TEST(a_grandchild_that_holds_the_output_open_holds_nothing_up)
{
	set_up();
	int64_t before = clk_mono_ms();
	const struct seen *s = run_sh("(sleep 600) & echo done", 0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_str_eq(s->output, "done\n");
	ck_assert_int_lt(clk_mono_ms() - before, 20000);
	tear_down();
}
END_TEST

/* Opens the output of the job that says its pid, and keeps it open till told. */
static void
hold_output(int until_fd)
{
	char path[96], byte;
	pid_t job;
	while ((job = (pid_t)read_number("job")) == 0)
		usleep(2000);
	snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)job);
	if (open(path, O_WRONLY) == -1)
		_exit(1);
	snprintf(path, sizeof(path), "%s/held", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	_exit(read(until_fd, &byte, 1) == 0 ? 0 : 1);
}

START_TEST(one_outside_that_holds_the_output_open_is_not_waited_for_long)
{
	int64_t before = clk_mono_ms();
	int until[2];
	set_up();
	/* None of ours: its parent is gone, and others are the reaper of that. */
	ck_assert_int_eq(pipe2(until, O_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	pid_t between = fork();
	if (between == 0) {
		if (fork() > 0)
			_exit(0);
		close(until[1]);
		hold_output(until[0]);
	}
	ck_assert_int_eq(waitpid(between, NULL, 0), between);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	const struct seen *s =
	    run_sh("echo $$ >y; mv y job; while [ ! -e held ]; do sleep 0.01;"
		   " done; echo done",
		0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_str_eq(s->output, "done\n");
	/* The holder still holds it: the bound ended the wait, not the end of file. */
	ck_assert_int_ge(clk_mono_ms() - before, 1000);
	ck_assert_int_lt(clk_mono_ms() - before, 20000);
	close(until[1]);
	tear_down();
}
END_TEST

static long
rss_kib(void)
{
	struct rusage usage;
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

START_TEST(a_hundred_megabytes_of_output_take_no_memory)
{
	set_up();
	long before = rss_kib();
	const struct seen *s =
	    run_sh("head -c 100000000 /dev/zero | tr '\\0' 'x' | fold -w 99;"
		   " echo; echo the end",
		0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_uint_eq(s->result.output_len, WIRE_OUTPUT_MAX);
	ck_assert_str_eq(s->output + WIRE_OUTPUT_MAX - 9, "\nthe end\n");
	ck_assert_int_lt(rss_kib() - before, 4096);
	tear_down();
}
END_TEST

START_TEST(many_jobs_run_at_once_and_no_process_is_left)
{
	set_up();
	for (uint64_t id = 0; id < RUNS; id++)
		start_sh(id, "echo $$ >&2; (sleep 600 &) ; exit 0", 0, 1000);
	ck_assert_uint_eq(jobs_count(jobs), RUNS);
	wait_ended();
	for (int i = 0; i < RUNS; i++)
		ck_assert(seen[i].started && seen[i].result.outcome == WIRE_EXIT);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	tear_down();
}
END_TEST

START_TEST(a_quick_job_is_told_of_as_any_other)
{
	set_up();
	quick = true;
	const struct seen *s = run_sh("echo hello; echo oops >&2; exit 3", 0, 1000);
	ck_assert_int_eq(s->result.outcome, WIRE_EXIT);
	ck_assert_int_eq(s->result.code, 3);
	ck_assert_int_gt(s->result.pid, 0);
	ck_assert_ptr_nonnull(strstr(s->output, "hello\n"));
	ck_assert_ptr_nonnull(strstr(s->output, "oops\n"));
	memset(seen, 0, sizeof(seen));
	/* More than a pipe holds, and it is not over before that is read. */
	s = run_sh("head -c 1000000 /dev/zero | tr '\\0' x; echo the end", 0, 1000);
	ck_assert(s->started);
	ck_assert_str_eq(s->output + s->result.output_len - 8, "the end\n");
	memset(seen, 0, sizeof(seen));
	s = run_sh("sleep 600", 50, 1000);
	ck_assert(s->started);
	ck_assert_int_eq(s->result.outcome, WIRE_TIMEOUT);
	tear_down();
}
END_TEST

START_TEST(a_quick_job_that_cannot_be_started_is_told_at_once)
{
	set_up();
	quick = true;
	char *argv[] = { (char *)"/no/such/program", NULL };
	struct spawn_error error;
	/* Where memory cannot be shared it is told later, as of any other. */
	int result = start_argv(1, argv, 0, 1000, &error);
	if (result == 0) {
		wanted = 1;
		wait_ended();
		error = (struct spawn_error){ SPAWN_EXEC, seen[1].result.code };
	}
	ck_assert_int_eq(error.step, SPAWN_EXEC);
	ck_assert_int_eq(error.error, ENOENT);
	ck_assert_uint_eq(jobs_count(jobs), 0);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	tear_down();
}
END_TEST

START_TEST(what_a_quick_job_leaves_is_ended_too)
{
	set_up();
	quick = true;
	for (uint64_t id = 0; id < RUNS; id++)
		start_sh(id, "(setsid sleep 600 &) ; (sleep 600 &) ; exit 0", 0, 1000);
	wait_ended();
	for (int i = 0; i < RUNS; i++)
		ck_assert(seen[i].result.outcome == WIRE_EXIT);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	tear_down();
}
END_TEST

START_TEST(two_jobs_cannot_have_one_id)
{
	set_up();
	char *argv[] = { (char *)"true", NULL };
	struct spawn_error error;
	start_sh(1, "while [ ! -e end ]; do sleep 0.01; done", 0, 0);
	ck_assert_int_eq(start_argv(1, argv, 0, 0, &error), -1);
	ck_assert_int_eq(error.error, EEXIST);
	jobs_stop(jobs);
	while (!stopped)
		ev_run(loop, 0);
	ck_assert_int_eq(seen[1].result.outcome, WIRE_CUT);
	tear_down();
}
END_TEST

START_TEST(a_stop_without_jobs_is_over_at_once)
{
	set_up();
	jobs_stop(jobs);
	ck_assert(stopped);
	tear_down();
}
END_TEST

START_TEST(descriptors_are_not_leaked)
{
	set_up();
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(before);
	for (int i = 0; i < 20; i++) {
		memset(seen, 0, sizeof(seen));
		run_sh("echo x", 0, 1000);
	}
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_le(after, before + 4); /* libev's own for signals */
	tear_down();
}
END_TEST

UNIT_MAIN("job", exit_codes_and_signals_are_told,
    a_program_that_cannot_be_started_is_told_with_the_errno,
    one_that_is_too_slow_gets_sigterm, one_that_is_stopped_gets_its_sigterm_too,
    one_that_ignores_sigterm_is_killed_with_all_below_it,
    descendants_get_sigterm_once_before_they_are_killed,
    what_escapes_by_double_fork_and_setsid_is_gone_at_the_end,
    one_that_hides_its_origin_is_gone_when_no_older_job_runs,
    an_orphan_whose_first_thread_has_ended_is_killed_too,
    without_a_descriptor_to_look_with_no_job_is_over,
    a_long_lived_process_spares_none_that_hides,
    an_owner_may_start_others_when_it_is_told,
    an_orphan_of_a_running_job_is_left_alone_when_another_ends,
    a_grandchild_that_holds_the_output_open_holds_nothing_up,
    one_outside_that_holds_the_output_open_is_not_waited_for_long,
    a_hundred_megabytes_of_output_take_no_memory,
    many_jobs_run_at_once_and_no_process_is_left, a_quick_job_is_told_of_as_any_other,
    a_quick_job_that_cannot_be_started_is_told_at_once,
    what_a_quick_job_leaves_is_ended_too, two_jobs_cannot_have_one_id,
    a_stop_without_jobs_is_over_at_once, descriptors_are_not_leaked)
