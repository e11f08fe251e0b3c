/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/lock.h"

#define RIVALS 50

static char dir[64];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_lock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
rival(int start_fd, int result_fd, int end_fd)
{
	char byte;
	pid_t holder = 0;
	if (read(start_fd, &byte, 1) != 0)
		_exit(2);
	int fd = lock_take(dir, &holder);
	pid_t said = fd == -1 ? holder : -1;
	if (fd != -1 && lock_write_pid(fd) == -1)
		_exit(2);
	if (write(result_fd, &said, sizeof(said)) != sizeof(said))
		_exit(2);
	/* The winner holds it until all have tried. */
	if (read(end_fd, &byte, 1) != 0)
		_exit(2);
	_exit(fd == -1 ? 1 : 0);
}

START_TEST(of_fifty_at_once_one_wins_and_the_others_know_who)
{
	int start[2], results[2], end[2], wins = 0;
	pid_t pids[RIVALS], said[RIVALS], winner = 0;
	make_dir();
	ck_assert(pipe(start) == 0 && pipe(results) == 0 && pipe(end) == 0);
	for (int i = 0; i < RIVALS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			close(start[1]);
			close(end[1]);
			rival(start[0], results[1], end[0]);
		}
	}
	close(start[1]);
	for (int i = 0; i < RIVALS; i++) {
		ck_assert_int_eq(
		    read(results[0], &said[i], sizeof(pid_t)), sizeof(pid_t));
		wins += said[i] == -1;
	}
	close(end[1]);
	for (int i = 0; i < RIVALS; i++) {
		int status;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		if (WEXITSTATUS(status) == 0)
			winner = pids[i];
	}
	ck_assert_int_eq(wins, 1);
	for (int i = 0; i < RIVALS; i++)
		ck_assert(said[i] == -1 || said[i] == winner);
	remove_dir();
}
END_TEST

START_TEST(the_pid_of_a_former_holder_is_not_named)
{
	char path[96];
	pid_t holder = 1;
	make_dir();
	int fd = lock_take(dir, &holder);
	ck_assert_int_ne(fd, -1);
	/* As if a process that is gone had left it and the new one had not written yet.
	 */
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
	dprintf(fd, "%d\n", (int)gone);
	ck_assert_int_eq(lock_take(dir, &holder), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	ck_assert_int_eq(holder, 0);
	ck_assert_int_eq(lock_write_pid(fd), 0);
	ck_assert_int_eq(lock_take(dir, &holder), -1);
	ck_assert_int_eq(holder, getpid());
	close(fd);
	fd = lock_take(dir, &holder);
	ck_assert_int_ne(fd, -1);
	close(fd);
	snprintf(path, sizeof(path), "%s/lock", dir);
	ck_assert_int_eq(access(path, F_OK), 0);
	remove_dir();
}
END_TEST

START_TEST(no_program_that_is_executed_inherits_it)
{
	pid_t holder;
	make_dir();
	int fd = lock_take(dir, &holder);
	ck_assert_int_ne(fd, -1);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	remove_dir();
}
END_TEST

START_TEST(the_lock_is_not_taken_through_a_symbolic_link)
{
	char path[96];
	pid_t holder;
	make_dir();
	snprintf(path, sizeof(path), "%s/lock", dir);
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_assert_int_eq(lock_take(dir, &holder), -1);
	ck_assert_int_eq(errno, ELOOP);
	remove_dir();
}
END_TEST

START_TEST(a_state_directory_is_checked)
{
	char text[256], path[96], link[96];
	make_dir();
	snprintf(path, sizeof(path), "%s/state", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	ck_assert_int_eq(lock_check_dir(path, false, text, sizeof(text)), -1);
	ck_assert_ptr_nonnull(strstr(text, "filemonctl init"));
	ck_assert_int_eq(lock_check_dir(path, true, text, sizeof(text)), 0);
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(lock_check_dir(path, true, text, sizeof(text)), 0);
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert_int_eq(lock_check_dir(link, true, text, sizeof(text)), -1);
	ck_assert_ptr_nonnull(strstr(text, "symbolic link"));
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 12345, 12345), 0);
		ck_assert_int_eq(lock_check_dir(path, true, text, sizeof(text)), -1);
		ck_assert_ptr_nonnull(strstr(text, "12345"));
	}
	unlink(link);
	rmdir(path);
	remove_dir();
}
END_TEST

START_TEST(one_without_its_lock_file_is_met_at_its_state)
{
	char path[96], byte;
	int ready[2];
	pid_t user = 1;
	make_dir();
	snprintf(path, sizeof(path), "%s/state.db", dir);
	ck_assert(!lock_is_passed_by(dir, &user));
	ck_assert_int_eq(user, 0);
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(lock_is_passed_by(dir, &user));
	ck_assert_int_eq(user, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert(!lock_is_passed_by(dir, &user));
	unlink(path);
	remove_dir();
}
END_TEST

UNIT_MAIN("lock", one_without_its_lock_file_is_met_at_its_state,
    of_fifty_at_once_one_wins_and_the_others_know_who,
    the_pid_of_a_former_holder_is_not_named, no_program_that_is_executed_inherits_it,
    the_lock_is_not_taken_through_a_symbolic_link, a_state_directory_is_checked)
