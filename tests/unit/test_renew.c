/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/renew.h"
#include "unit.h"

#define NAME "FILEMON_HANDOVER"

static int
some_fd(void)
{
	return fcntl(open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD, 50);
}

/* Is it taken?  rest is what follows the pid. */
static bool
taken(struct renewal *r, int pid, const char *rest)
{
	char text[256];

	snprintf(text, sizeof(text), "%d%s", pid, rest);
	setenv(NAME, text, 1);
	bool result = renew_take(r);
	ck_assert_ptr_null(getenv(NAME));
	return result;
}

static void
expect_none(int pid, const char *rest)
{
	struct renewal r;

	ck_assert_msg(!taken(&r, pid, rest), "taken: '%s'", rest);
	ck_assert_uint_eq(r.count, 0);
	ck_assert_int_eq(r.locks.state, -1);
	ck_assert_int_eq(r.locks.project, -1);
	ck_assert_int_eq(r.report_fd, -1);
	ck_assert_int_eq(r.hand.table, -1);
	ck_assert_uint_eq(r.hand.n_watches, 0);
}

START_TEST(what_was_handed_over_is_taken)
{
	struct renewal r;
	char rest[128];
	int lock = some_fd(), project = some_fd(), table = some_fd(), one = some_fd(),
	    two = some_fd();

	snprintf(
	    rest, sizeof(rest), " 7 %d %d -1 %d %d %d", lock, project, table, one, two);
	ck_assert(taken(&r, getpid(), rest));
	ck_assert_uint_eq(r.count, 7);
	ck_assert_int_eq(r.locks.state, lock);
	ck_assert_int_eq(r.locks.project, project);
	ck_assert_int_eq(r.report_fd, -1);
	ck_assert_int_eq(r.hand.table, table);
	ck_assert_uint_eq(r.hand.n_watches, 2);
	ck_assert_int_eq(r.hand.watches[1], two);
	ck_assert_int_eq(fcntl(lock, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(two, F_GETFD), FD_CLOEXEC);
	snprintf(rest, sizeof(rest), " 1 %d -1 -1 -1", lock);
	ck_assert(taken(&r, getpid(), rest));
	ck_assert_int_eq(r.hand.table, -1);
}
END_TEST

START_TEST(what_makes_no_sense_is_not)
{
	char rest[1024];
	int fd = some_fd(), other = some_fd();
	size_t len;

	snprintf(rest, sizeof(rest), " 1 %d -1 -1 %d", fd, other);
	expect_none(getppid(), rest);
	static const char *const bad[] = { "", " ", " 1", " x", " 0 50 -1 -1 51",
		" -1 50 -1 -1 51", " 1 -1 -1 -1 -1", " 1 50", " 1 50 -1 -1",
		" 1 50 -1 -1 50", " 1 50 -1 -1 51 x", " 1 50 -1 -1 51x",
		" 1 50 -1 -1 51 ", " 1 2 -1 -1 51", " 1 50 -1 -1 4000",
		" 1 50 -1 -1 99999999999999999999", " 1 50 -1 -2 51" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_none(getpid(), bad[i]);
	len = (size_t)snprintf(rest, sizeof(rest), " 1 %d", fd);
	for (int i = 0; i < HANDOVER_FDS + 10; i++)
		len += (size_t)snprintf(rest + len, sizeof(rest) - len, " -1");
	expect_none(getpid(), rest);
}
END_TEST

START_TEST(without_the_variable_there_is_none)
{
	struct renewal r;

	unsetenv(NAME);
	ck_assert(!renew_take(&r));
	ck_assert_uint_eq(r.count, 0);
}
END_TEST

START_TEST(all_but_what_was_taken_is_closed)
{
	int a = some_fd(), b = some_fd(), c = some_fd(), d = some_fd();
	struct renewal r = { .locks = { c, -1 }, .report_fd = -1, .hand = HANDOVER_NONE };

	r.hand.table = a;
	renew_close_others(&r);
	ck_assert_int_ne(fcntl(a, F_GETFD), -1);
	ck_assert_int_eq(fcntl(b, F_GETFD), -1);
	ck_assert_int_ne(fcntl(c, F_GETFD), -1);
	ck_assert_int_eq(fcntl(d, F_GETFD), -1);
	ck_assert_int_ne(fcntl(STDERR_FILENO, F_GETFD), -1);
}
END_TEST

START_TEST(a_program_that_cannot_be_run_is_refused_and_leaves_all_as_it_was)
{
	char *argv[] = { NULL }, why[256];
	char missing[] = "/does/not/exist", no[] = "/bin/false", yes[] = "/bin/true";
	struct renew r = { .exe = missing, .argv = argv };
	struct renewal renewal = { .count = 1,
		.locks = { some_fd(), -1 },
		.report_fd = -1,
		.hand = HANDOVER_NONE };

	ck_assert_int_eq(renew_try(&r, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "code 127"));
	ck_assert_int_eq(renew_exec(&r, &renewal), -1);
	ck_assert_int_eq(fcntl(renewal.locks.state, F_GETFD), FD_CLOEXEC);
	ck_assert_ptr_null(getenv(NAME));
	r.exe = no;
	ck_assert_int_eq(renew_try(&r, why, sizeof(why)), -1);
	r.exe = yes;
	ck_assert_int_eq(renew_try(&r, why, sizeof(why)), 0);
}
END_TEST

UNIT_MAIN("renew", what_was_handed_over_is_taken, what_makes_no_sense_is_not,
    without_the_variable_there_is_none, all_but_what_was_taken_is_closed,
    a_program_that_cannot_be_run_is_refused_and_leaves_all_as_it_was)
