/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "watcher/sandbox.h"

/* Each case is tried by a process of its own, in the sandbox of a watcher whose
   state directory is dir/state: exit 0 where it came out as it should. */
static char dir[] = "/tmp/filemon-unit.XXXXXX";
static struct sandbox holds;

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
make_dir(void)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(in_dir("state"), 0700), 0);
	ck_assert_int_ne(fd = open(in_dir("file"), O_WRONLY | O_CREAT, 0600), -1);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
remove_dir(void)
{
	unlink(in_dir("state/new"));
	unlink(in_dir("file"));
	rmdir(in_dir("state"));
	rmdir(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static void
enter(bool seccomp, bool landlock)
{
	char state[128];
	const struct sandbox_setup setup = { .wanted = { [SANDBOX_SECCOMP] = seccomp,
						 [SANDBOX_LANDLOCK] = landlock,
						 [SANDBOX_CAPABILITIES] =
						     seccomp || landlock },
		.places = { state } };

	snprintf(state, sizeof(state), "%s", in_dir("state"));
	sandbox_enter(&setup, &holds);
}

static int
outcome_of(bool (*good)(void), bool seccomp, bool landlock)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		enter(seccomp, landlock);
		if ((seccomp && !holds.part[SANDBOX_SECCOMP].holds) ||
		    (landlock && !holds.part[SANDBOX_LANDLOCK].holds))
			_exit(77);
		_exit(good() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A kernel, or a build with a sanitizer, may lack it: then there is nothing to hold. */
#define HOLDS(good_, seccomp_, landlock_) \
	do { \
		int code_ = outcome_of(good_, seccomp_, landlock_); \
		ck_assert_msg(code_ == 0 || code_ == 77, #good_ ": exit %d", code_); \
	} while (0)

static bool
no_program_starts(void)
{
	char program[] = "true", *argv[] = { program, NULL };

	execv("/bin/true", argv);
	return true;
}

static bool
no_process_starts(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1;
}

static bool
no_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) == -1 &&
	    socket(AF_INET6, SOCK_DGRAM, 0) == -1 &&
	    socket(AF_NETLINK, SOCK_RAW, 0) == -1;
}

static bool
a_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) != -1;
}

static bool
nothing_is_traced_or_killed(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && kill(getppid(), 0) == -1;
}

static bool
writes_its_state(void)
{
	int fd = open(in_dir("state/new"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	return fd != -1 && write(fd, "x", 1) == 1 && fsync(fd) == 0 &&
	    unlink(in_dir("state/new")) == 0;
}

static bool
writes_nothing_else(void)
{
	return open(in_dir("file"), O_WRONLY) == -1 &&
	    open(in_dir("other"), O_WRONLY | O_CREAT, 0600) == -1 &&
	    unlink(in_dir("file")) == -1 && mkdir(in_dir("d"), 0700) == -1 &&
	    rename(in_dir("file"), "/tmp/filemon-unit.file") == -1;
}

/* Not by a flag that asks for no right to write, whichever call has it. */
static bool
empties_nothing(void)
{
	struct open_how how = { .flags = O_RDONLY | O_TRUNC };
	const char *file = in_dir("file");
	struct stat st;

	return open(file, O_RDONLY | O_TRUNC) == -1 &&
	    open(file, O_ACCMODE | O_TRUNC) == -1 && open(file, O_RDWR | O_TRUNC) == -1 &&
	    syscall(SYS_openat2, AT_FDCWD, file, &how, sizeof(how)) == -1 &&
	    truncate(file, 0) == -1 && stat(file, &st) == 0 && st.st_size == 1;
}

static bool
reads_everything(void)
{
	struct stat st;

	return open(in_dir("file"), O_RDONLY) != -1 && stat("/proc/self", &st) == 0 &&
	    open("/etc/passwd", O_RDONLY) != -1;
}

static bool
has_no_new_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

/* Whoever has the right; without it there was nothing to be given up. */
static bool
gave_up_what_root_may(void)
{
	return sethostname("other", 5) == -1 && chroot("/") == -1 &&
	    mknod(in_dir("state/new"), S_IFCHR | 0600, 0) == -1 &&
	    prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0) == -1;
}

static bool
kept_what_is_for_files(void)
{
	return geteuid() != 0 || reads_everything();
}

START_TEST(capabilities_that_files_do_not_need_are_gone)
{
	make_dir();
	HOLDS(gave_up_what_root_may, false, true);
	HOLDS(kept_what_is_for_files, false, true);
	remove_dir();
}
END_TEST

START_TEST(with_seccomp_nothing_is_started)
{
	make_dir();
	HOLDS(no_program_starts, true, false);
	HOLDS(no_process_starts, true, false);
	HOLDS(nothing_is_traced_or_killed, true, false);
	HOLDS(has_no_new_privileges, true, false);
	remove_dir();
}
END_TEST

START_TEST(with_seccomp_there_is_no_network_but_unix_sockets)
{
	make_dir();
	HOLDS(no_network, true, false);
	HOLDS(a_unix_socket, true, false);
	remove_dir();
}
END_TEST

START_TEST(with_landlock_only_the_state_is_written)
{
	make_dir();
	HOLDS(writes_its_state, false, true);
	HOLDS(writes_nothing_else, false, true);
	HOLDS(empties_nothing, false, true);
	HOLDS(reads_everything, false, true);
	remove_dir();
}
END_TEST

START_TEST(both_hold_together)
{
	make_dir();
	HOLDS(writes_its_state, true, true);
	HOLDS(writes_nothing_else, true, true);
	HOLDS(empties_nothing, true, true);
	HOLDS(reads_everything, true, true);
	HOLDS(no_program_starts, true, true);
	remove_dir();
}
END_TEST

static bool
says_that_it_is_off(void)
{
	for (int i = 0; i < SANDBOX_PARTS; i++)
		if (holds.part[i].holds || strcmp(holds.part[i].why, "switched off") != 0)
			return false;
	return true;
}

START_TEST(switched_off_it_says_so)
{
	make_dir();
	ck_assert_int_eq(outcome_of(says_that_it_is_off, false, false), 0);
	remove_dir();
}
END_TEST

UNIT_MAIN("sandbox", with_seccomp_nothing_is_started,
    with_seccomp_there_is_no_network_but_unix_sockets,
    with_landlock_only_the_state_is_written, capabilities_that_files_do_not_need_are_gone,
    both_hold_together, switched_off_it_says_so)
