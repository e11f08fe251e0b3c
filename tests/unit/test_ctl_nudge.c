/* SPDX-License-Identifier: ISC */
#include "ctl/nudge.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/project.h"
#include "unit.h"

/* Stands in for that of project.c, of a lock that this process would hold. */
pid_t
state_dir_pid(const char *state_dir)
{
	(void)state_dir;
	return getpid();
}

/* A process that looks like a watcher, and says so when it is what it will be. */
static pid_t
start_watcher(const char *script)
{
	int fds[2];
	char byte;
	ck_assert_int_eq(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl("/bin/sh", "filemond: watcher /p", "-c", script, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(pid, 0);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	return pid;
}

static void
end_watcher(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(one_that_has_begun_is_told)
{
	pid_t pid = start_watcher("trap 'exit 7' CONT; echo; kill -STOP $$; exit 7");
	int status;
	ck_assert_int_ge(nudge_watcher("/p/.filemon"), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
END_TEST

/* It makes its socket when it has opened its state, which may take a while. */
START_TEST(one_that_has_not_begun_is_not_taken_for_one_without_a_socket)
{
	pid_t pid = start_watcher("echo; kill -STOP $$");
	ck_assert_int_eq(nudge_watcher("/p/.filemon"), -1);
	end_watcher(pid);
	ck_assert_int_eq(nudge_watcher("/p/.filemon"), -1);
}
END_TEST

UNIT_MAIN("ctl nudge", one_that_has_begun_is_told,
    one_that_has_not_begun_is_not_taken_for_one_without_a_socket)
