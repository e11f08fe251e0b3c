/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "headless.h"
#include "runner/leftovers.h"
#include "runner/procs.h"

static int report[2];

/* Says "I am here", then waits to be killed. */
static void
stay(void)
{
	pid_t pid = getpid();
	signal(SIGTERM, SIG_DFL); /* check has a handler */
	if (write(report[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	for (;;)
		pause();
}

static pid_t
next_pid(void)
{
	pid_t pid;
	ck_assert_int_eq(read(report[0], &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

static pid_t
start_sh(const char *script, const char *env)
{
	pid_t pid = fork();
	if (pid == 0) {
		char *envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)env, NULL };
		dup2(report[1], 1);
		execle("/bin/sh", "sh", "-c", script, NULL, envp);
		_exit(127);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* A line, as the shells print their pid. */
static pid_t
next_line(void)
{
	char text[16] = "", c = 0;
	for (size_t n = 0; n < sizeof(text) - 1 && c != '\n'; n++) {
		ck_assert_int_eq(read(report[0], &c, 1), 1);
		text[n] = c;
	}
	return (pid_t)strtol(text, NULL, 10);
}

static const struct proc *
find(const struct procs *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].pid == pid)
			return &list->v[i];
	}
	return NULL;
}

START_TEST(what_stat_says_is_read_whatever_the_name)
{
	struct proc self, other;
	ck_assert_int_eq(prctl(PR_SET_NAME, ") R 1 (x"), 0);
	ck_assert_int_eq(procs_stat(getpid(), &self), 0);
	ck_assert_int_eq(self.pid, getpid());
	ck_assert_int_eq(self.ppid, getppid());
	ck_assert_int_eq(self.pgrp, getpgrp());
	ck_assert_int_eq(self.session, getsid(0));
	ck_assert(!self.dead);
	ck_assert_int_eq(procs_stat(1, &other), 0);
	ck_assert_uint_lt(other.start, self.start);
	ck_assert_int_eq(procs_stat(0x3fffffff, &other), -1);
}
END_TEST

START_TEST(children_and_all_descendants_are_found)
{
	struct procs children = PROCS_INIT, tree = PROCS_INIT;
	ck_assert_int_eq(pipe(report), 0);
	uint64_t before = procs_now();
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0 && (fork() == 0 || setsid()))
			stay();
		stay();
	}
	pid_t pids[3] = { next_pid(), next_pid(), next_pid() };
	procs_children(getpid(), &children);
	ck_assert_uint_eq(children.n, 1);
	ck_assert_int_eq(children.v[0].pid, child);
	pid_t own[2] = { 0, 0 };
	ssize_t n_own = procs_own(own, 2);
	ck_assert(n_own == -1 || (n_own == 1 && own[0] == child && own[1] == 0));
	ck_assert_uint_le(before, children.v[0].start);
	ck_assert_uint_le(children.v[0].start, procs_now());
	procs_tree(getpid(), &tree);
	ck_assert_uint_eq(tree.n, 3);
	ck_assert_int_eq(tree.v[0].pid, child);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(find(&tree, pids[i]));
	for (int i = 0; i < 3; i++)
		kill(pids[i], SIGKILL);
	waitpid(child, NULL, 0);
	procs_release(&children);
	procs_release(&tree);
}
END_TEST

START_TEST(without_a_descriptor_it_is_said_that_some_may_be_missing)
{
	struct procs list = PROCS_INIT;
	ck_assert_int_eq(pipe(report), 0);
	pid_t child = fork();
	if (child == 0)
		stay();
	for (rlim_t n = 0; n < 3; n++) {
		procs_reset(&list);
		leave_descriptors(n);
		procs_children(getpid(), &list);
		give_descriptors();
		ck_assert(list.partial ? n < 2 : list.n == 1);
		procs_reset(&list);
		leave_descriptors(n);
		procs_tree(getpid(), &list);
		give_descriptors();
		ck_assert(list.partial ? n < 2 : list.n == 1);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	procs_release(&list);
}
END_TEST

START_TEST(a_signal_goes_to_that_process_and_to_no_other_of_its_number)
{
	struct proc proc;
	int status;
	ck_assert_int_eq(pipe(report), 0);
	pid_t pid = fork();
	if (pid == 0)
		stay();
	next_pid();
	ck_assert_int_eq(procs_stat(pid, &proc), 0);
	proc.start--;
	ck_assert_int_eq(procs_signal(&proc, SIGKILL), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_int_eq(kill(pid, 0), 0);
	proc.start++;
	ck_assert_int_eq(procs_signal(&proc, SIGTERM), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	ck_assert_int_eq(procs_signal(&proc, SIGTERM), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(the_environment_of_a_start_is_read)
{
	char value[16];
	ck_assert_int_eq(pipe(report), 0);
	pid_t pid = start_sh("echo $$; kill -STOP $$", "MARK=abc.1");
	ck_assert_int_eq(next_line(), pid);
	struct proc proc;
	ck_assert_int_eq(procs_stat(pid, &proc), 0);
	ck_assert(procs_env(&proc, "MARK", value, sizeof(value)));
	ck_assert_str_eq(value, "abc.1");
	ck_assert(!procs_env(&proc, "MAR", value, sizeof(value)));
	ck_assert(!procs_env(&proc, "MARK", value, 5));
	proc.pid = 0x3fffffff;
	ck_assert(!procs_env(&proc, "MARK", value, sizeof(value)));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(one_whose_first_thread_has_ended_is_alive)
{
	char value[4096];
	int status;
	struct proc proc = start_headless();
	ck_assert(!proc.dead);
	ck_assert(procs_env(&proc, "PATH", value, sizeof(value)));
	ck_assert_int_eq(waitpid(proc.pid, &status, WNOHANG), 0);
	ck_assert_uint_eq(leftovers_end_all(20000), 0);
	ck_assert_int_eq(procs_stat(proc.pid, &proc), -1);
}
END_TEST

START_TEST(one_that_was_not_reaped_is_dead)
{
	siginfo_t info;
	struct proc proc;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procs_stat(pid, &proc), 0);
	ck_assert(proc.dead && !proc.headless);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(everything_below_is_ended_however_it_hides)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(report), 0);
	start_sh("trap '' TERM HUP INT; echo $$; while :; do sleep 1; done", "A=b");
	start_sh(
	    "setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 600\" & exit' & exit",
	    "A=b");
	start_sh("echo $$; kill -STOP $$", "A=b");
	pid_t pids[3] = { next_line(), next_line(), next_line() };
	ck_assert_uint_eq(leftovers_end_all(20000), 0);
	for (int i = 0; i < 3; i++)
		ck_assert(kill(pids[i], 0) == -1 && errno == ESRCH);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
END_TEST

START_TEST(a_family_is_ended_by_its_mark_but_not_our_own)
{
	char name[64], theirs[80], ours[80];
	int status;
	snprintf(name, sizeof(name), "test-%d.", (int)getpid());
	snprintf(theirs, sizeof(theirs), "MARK=%s1-1.7", name);
	snprintf(ours, sizeof(ours), "MARK=%s2-2.7", name);
	ck_assert_int_eq(pipe(report), 0);
	pid_t left = start_sh("echo $$; kill -STOP $$", theirs);
	next_line();
	pid_t mine = start_sh("echo $$; kill -STOP $$", ours);
	next_line();
	ours[strlen(ours) - 1] = '\0';
	ck_assert_uint_eq(leftovers_end_marked("MARK", name, ours + 5), 1);
	ck_assert_int_eq(waitpid(left, &status, 0), left);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(waitpid(mine, &status, WNOHANG), 0);
	kill(mine, SIGKILL);
	waitpid(mine, &status, 0);
}
END_TEST

UNIT_MAIN("procs", what_stat_says_is_read_whatever_the_name,
    children_and_all_descendants_are_found,
    without_a_descriptor_it_is_said_that_some_may_be_missing,
    a_signal_goes_to_that_process_and_to_no_other_of_its_number,
    the_environment_of_a_start_is_read, one_whose_first_thread_has_ended_is_alive,
    one_that_was_not_reaped_is_dead, everything_below_is_ended_however_it_hides,
    a_family_is_ended_by_its_mark_but_not_our_own)
