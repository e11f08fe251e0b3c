/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nofile.h"
#include "descriptors.h"
#include "runner/privilege.h"
#include "runner/spawn.h"

static char *const path_only[] = { (char *)"PATH=/usr/bin:/bin", NULL };

struct ran {
	int status; /* of wait(2) */
	int known;  /* of spawn_status */
	struct spawn_error error;
	char output[4096];
};

static int
wait_status(int fd, struct spawn_error *error)
{
	int known;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	while ((known = spawn_status(fd, error)) == 0)
		ck_assert_int_ge(poll(&pfd, 1, 10000), 0);
	return known;
}

/* Starts it, reads all that it prints, and waits for it. */
static struct ran
run(struct spawn spawn)
{
	struct ran ran = { 0 };
	struct spawned child;
	int fds[2];
	size_t len = 0;
	ssize_t n;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	spawn.out_fd = spawn.err_fd = fds[1];
	if (!spawn.envp)
		spawn.envp = path_only;
	ck_assert_int_eq(spawn_start(&spawn, &child, &ran.error), 0);
	close(fds[1]);
	ran.known = child.status_fd == -1 ? 1 : wait_status(child.status_fd, &ran.error);
	while ((n = read(fds[0], ran.output + len, sizeof(ran.output) - 1 - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(waitpid(child.pid, &ran.status, 0), child.pid);
	close(fds[0]);
	if (child.status_fd != -1)
		close(child.status_fd);
	return ran;
}

static struct ran
run_sh(const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	return run((struct spawn){ .argv = argv });
}

START_TEST(the_program_is_found_in_path_and_its_output_comes)
{
	struct ran ran = run_sh("echo out; echo err >&2; exit 7");
	ck_assert_int_eq(ran.known, 1);
	ck_assert(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 7);
	ck_assert_str_eq(ran.output, "out\nerr\n");
}
END_TEST

START_TEST(arguments_are_bytes_and_no_shell_sees_them)
{
	char *argv[] = { (char *)"printf", (char *)"[%s]", (char *)"a b", (char *)"",
		(char *)"$(id);*\n'\"\xff\x01", NULL };
	struct ran ran = run((struct spawn){ .argv = argv });
	ck_assert_str_eq(ran.output, "[a b][][$(id);*\n'\"\xff\x01]");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told_before_there_is_a_child)
{
	char *argv[] = { (char *)"no-such-program-here", NULL };
	struct spawn spawn = {
		.argv = argv, .envp = path_only, .out_fd = 1, .err_fd = 2
	};
	struct spawned child;
	struct spawn_error error;
	char text[128];
	ck_assert_int_eq(spawn_start(&spawn, &child, &error), -1);
	ck_assert_int_eq(error.step, SPAWN_LOOKUP);
	ck_assert_int_eq(error.error, ENOENT);
	spawn_error_format(&error, argv[0], text, sizeof(text));
	ck_assert_str_eq(text, "no-such-program-here: not found in PATH");
}
END_TEST

static void
check_quick_failure(
    const char *program, const char *cwd, enum spawn_step step, int number)
{
	char *argv[] = { (char *)program, NULL };
	struct spawn spawn = {
		.argv = argv, .envp = path_only, .cwd = cwd, .quick = true
	};
	struct spawned child;
	struct spawn_error error;
	spawn.out_fd = spawn.err_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (spawn_start(&spawn, &child, &error) == 0) {
		/* Memory cannot be shared here (a sanitizer). */
		ck_assert_int_eq(wait_status(child.status_fd, &error), -1);
		ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
	}
	ck_assert_int_eq(error.step, step);
	ck_assert_int_eq(error.error, number);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	close(spawn.out_fd);
}

static void
check_failure(const char *program, const char *cwd, enum spawn_step step, int number)
{
	char *argv[] = { (char *)program, NULL };
	struct ran ran = run((struct spawn){ .argv = argv, .cwd = cwd });
	ck_assert_int_eq(ran.known, -1);
	ck_assert_int_eq(ran.error.step, step);
	ck_assert_int_eq(ran.error.error, number);
	check_quick_failure(program, cwd, step, number);
}

START_TEST(what_failed_in_the_child_is_told_with_its_errno)
{
	char path[] = "/tmp/test_spawn.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	ck_assert_int_eq(write(fd, "no format\n", 10), 10);
	close(fd);
	check_failure("/no/such/program", NULL, SPAWN_EXEC, ENOENT);
	check_failure(path, NULL, SPAWN_EXEC, EACCES);
	ck_assert_int_eq(chmod(path, 0700), 0);
	check_failure(path, NULL, SPAWN_EXEC, ENOEXEC);
	check_failure("/bin/true", "/no/such/folder", SPAWN_CHDIR, ENOENT);
	unlink(path);
}
END_TEST

START_TEST(one_in_path_that_may_not_be_executed_is_passed_over)
{
	char dir[] = "/tmp/test_spawn.XXXXXX", program[64], env[96];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/true", dir);
	close(open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(env, sizeof(env), "PATH=%s:/bin:/usr/bin", dir);
	char *argv[] = { (char *)"true", NULL }, *envp[] = { env, NULL };
	struct ran ran = run((struct spawn){ .argv = argv, .envp = envp });
	ck_assert(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0);
	snprintf(env, sizeof(env), "PATH=.:%s", dir);
	struct spawn spawn = { .argv = argv, .envp = envp, .out_fd = 1, .err_fd = 2 };
	struct spawned child;
	struct spawn_error error;
	ck_assert_int_eq(spawn_start(&spawn, &child, &error), -1);
	ck_assert_int_eq(error.error, EACCES);
	unlink(program);
	rmdir(dir);
}
END_TEST

START_TEST(a_relative_folder_in_path_is_not_looked_into)
{
	char *argv[] = { (char *)"true", NULL },
	     *envp[] = { (char *)"PATH=.::bin", NULL };
	struct spawn spawn = { .argv = argv, .envp = envp, .out_fd = 1, .err_fd = 2 };
	struct spawned child;
	struct spawn_error error;
	ck_assert_int_eq(chdir("/bin"), 0);
	ck_assert_int_eq(spawn_start(&spawn, &child, &error), -1);
	ck_assert_int_eq(error.error, ENOENT);
}
END_TEST

START_TEST(the_child_has_no_descriptor_but_its_three)
{
	/* Some that are not close-on-exec, low and high. */
	int low = open("/etc/passwd", O_RDONLY);
	int high = fcntl(low, F_DUPFD, 700);
	ck_assert_int_ge(high, 700);
	/* ls itself has one open: the folder it lists. */
	struct ran ran =
	    run_sh("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0");
	ck_assert_str_eq(ran.output, "0 1 2 3 /dev/null\n");
	close(low);
	close(high);
}
END_TEST

/* In a process of its own: 3 belongs to the test's harness. */
static void
spawn_with_output_at_3(void)
{
	int fds[2];
	struct spawned child;
	struct spawn_error error;
	char *argv[] = { (char *)"echo", (char *)"x", NULL }, text[8];
	if (pipe2(fds, O_CLOEXEC) == -1)
		_exit(1);
	int in = fcntl(fds[0], F_DUPFD_CLOEXEC, 10);
	if (fds[1] != 3 && dup3(fds[1], 3, O_CLOEXEC) != 3)
		_exit(2);
	struct spawn spawn = {
		.argv = argv, .envp = path_only, .out_fd = 3, .err_fd = 3
	};
	if (spawn_start(&spawn, &child, &error) == -1)
		_exit(3);
	_exit(read(in, text, sizeof(text)) == 2 ? 0 : 4);
}

START_TEST(an_output_pipe_may_have_the_number_of_the_status_pipe)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		spawn_with_output_at_3();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(signals_are_as_a_program_expects_them)
{
	sigset_t blocked;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* glibc keeps signals 32 and 33 for itself: posix_spawn(3) ignores them in
	   its child, and sigaction(2) refuses to touch them. */
	struct ran ran =
	    run_sh("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'"
		   " | sed 's/SigIgn:0000000180000000/SigIgn:0000000000000000/'");
	ck_assert_str_eq(ran.output, "SigBlk:0000000000000000SigIgn:0000000000000000");
	ran = run_sh("kill -PIPE $$; echo survived");
	ck_assert(WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGPIPE);
}
END_TEST

/* It is not the program's fault, nor that of its path. */
START_TEST(without_a_descriptor_it_is_said_that_they_are_short)
{
	char *argv[] = { (char *)"true", NULL };
	const struct spawn spawn = { .argv = argv,
		.envp = path_only,
		.out_fd = STDOUT_FILENO,
		.err_fd = STDERR_FILENO,
		.quick = true };
	struct spawn_error error;
	struct spawned child;
	leave_descriptors(0);
	ck_assert_int_eq(spawn_start(&spawn, &child, &error), -1);
	give_descriptors();
	ck_assert_int_eq(error.error, EMFILE);
}
END_TEST

START_TEST(a_quick_child_is_as_any_other)
{
	sigset_t before, after;
	char *argv[] = { (char *)"sh", (char *)"-c",
		(char *)"set -- $(cat /proc/$$/stat); [ $6 = $$ ] && [ $5 = $$ ] || exit "
			"1;"
			" grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'"
			" | sed 's/SigIgn:0000000180000000/SigIgn:0000000000000000/';"
			" ls /proc/self/fd | tr '\\n' ' '; exit 7",
		NULL };
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, NULL, &before);
	errno = 0;
	struct ran ran = run((struct spawn){ .argv = argv, .quick = true });
	ck_assert_int_eq(ran.known, 1);
	ck_assert(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 7);
	ck_assert_str_eq(
	    ran.output, "SigBlk:0000000000000000SigIgn:00000000000000000 1 2 3 ");
	/* Nothing of ours was changed by it. */
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert_mem_eq(&before, &after, sizeof(long));
	struct sigaction pipe_action;
	sigaction(SIGPIPE, NULL, &pipe_action);
	ck_assert_ptr_eq(pipe_action.sa_handler, SIG_IGN);
}
END_TEST

START_TEST(the_child_leads_a_session_of_its_own)
{
	struct ran ran =
	    run_sh("set -- $(cat /proc/$$/stat); [ $6 = $$ ] && [ $5 = $$ ]");
	ck_assert(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0);
}
END_TEST

START_TEST(the_child_dies_with_its_parent)
{
	int fds[2], report[2];
	char *argv[] = { (char *)"sleep", (char *)"600", NULL }, byte;
	ck_assert(pipe2(fds, O_CLOEXEC) == 0 && pipe2(report, O_CLOEXEC) == 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct spawned child;
		struct spawn_error error;
		struct spawn spawn = { .argv = argv,
			.envp = path_only,
			.out_fd = fds[1],
			.err_fd = fds[1] };
		if (spawn_start(&spawn, &child, &error) == -1 ||
		    wait_status(child.status_fd, &error) != 1)
			_exit(1);
		_exit(write(report[1], "x", 1) == 1 ? 0 : 1);
	}
	close(fds[1]);
	close(report[1]);
	ck_assert_int_eq(read(report[0], &byte, 1), 1);
	waitpid(parent, NULL, 0);
	/* The pipe that only the child holds is closed by its death. */
	ck_assert_int_eq(read(fds[0], &byte, 1), 0);
}
END_TEST

START_TEST(it_runs_as_another_user_with_that_users_groups)
{
	if (geteuid() != 0)
		return;
	struct spawn_user *user = spawn_user_new("nobody");
	ck_assert_ptr_nonnull(user);
	char *argv[] = { (char *)"sh", (char *)"-c",
		(char *)"echo $(id -u) $(id -g) $(id -G)", NULL },
	     want[64];
	struct ran ran = run((struct spawn){ .argv = argv, .user = user });
	snprintf(want, sizeof(want), "%u %u %u\n", (unsigned)user->uid,
	    (unsigned)user->gid, (unsigned)user->gid);
	ck_assert_str_eq(ran.output, want);
	ck_assert_str_eq(user->name, "nobody");
	spawn_user_free(user);
	ck_assert_ptr_null(spawn_user_new("no-such-user-here"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* What this process has to hand on: it must not arrive. */
static void
raise_ambient(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].inheritable |= 1U << CAP_CHOWN;
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
	ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), 0);
}

START_TEST(another_user_has_no_capability_and_no_way_back)
{
	if (geteuid() != 0)
		return;
	raise_ambient();
	struct spawn_user *user = spawn_user_new("nobody");
	char *argv[] = { (char *)"sh", (char *)"-c",
		(char *)"grep -E '^(Cap(Inh|Prm|Eff|Amb)|Uid|Gid)' /proc/self/status |"
			" tr -d '\\t\\n'",
		NULL },
	     want[512];
	unsigned uid = user->uid, gid = user->gid;
	/* quick is not done where the user changes; asked for, it does no harm. */
	struct ran ran = run((struct spawn){ .argv = argv, .user = user, .quick = true });
	snprintf(want, sizeof(want),
	    "Uid:%u%u%u%uGid:%u%u%u%uCapInh:0000000000000000"
	    "CapPrm:0000000000000000CapEff:0000000000000000CapAmb:0000000000000000",
	    uid, uid, uid, uid, gid, gid, gid, gid);
	ck_assert_str_eq(ran.output, want);
	spawn_user_free(user);
}
END_TEST

START_TEST(limits_are_taken_before_the_program_begins)
{
	const struct privilege_limits limits = { .memory_max = 64 << 20,
		.cpu_weight = 50 };
	char *argv[] = { (char *)"sh", (char *)"-c",
		(char *)"ulimit -d; set -- $(cat /proc/self/stat); echo ${19}", NULL };
	int nice = getpriority(PRIO_PROCESS, 0) + 4;
	char want[64];
	struct ran ran =
	    run((struct spawn){ .argv = argv, .limits = &limits, .quick = true });
	snprintf(want, sizeof(want), "65536\n%d\n", nice < 19 ? nice : 19);
	ck_assert_str_eq(ran.output, want);
}
END_TEST

START_TEST(a_child_has_the_limit_of_open_files_that_we_were_given)
{
	struct rlimit limit;
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"ulimit -Sn", NULL };
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 40;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	nofile_raise();
	for (int quick = 0; quick < 2; quick++) {
		struct ran ran = run((struct spawn){ .argv = argv, .quick = quick });
		ck_assert_str_eq(ran.output, "40\n");
	}
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

UNIT_MAIN("spawn", the_program_is_found_in_path_and_its_output_comes,
    arguments_are_bytes_and_no_shell_sees_them,
    a_program_that_is_not_there_is_told_before_there_is_a_child,
    what_failed_in_the_child_is_told_with_its_errno,
    one_in_path_that_may_not_be_executed_is_passed_over,
    a_relative_folder_in_path_is_not_looked_into,
    the_child_has_no_descriptor_but_its_three,
    an_output_pipe_may_have_the_number_of_the_status_pipe,
    signals_are_as_a_program_expects_them, a_quick_child_is_as_any_other,
    without_a_descriptor_it_is_said_that_they_are_short,
    the_child_leads_a_session_of_its_own, the_child_dies_with_its_parent,
    another_user_has_no_capability_and_no_way_back,
    limits_are_taken_before_the_program_begins,
    a_child_has_the_limit_of_open_files_that_we_were_given,
    it_runs_as_another_user_with_that_users_groups)
