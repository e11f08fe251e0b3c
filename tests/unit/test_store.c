/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store.h"
#include "unit.h"

/* Descriptors from 3 on, as they are given. */
static void
open_some(int n)
{
	for (int fd = 3; fd < 3 + n; fd++) {
		int null = open("/dev/null", O_RDONLY);
		if (null != fd) {
			dup2(null, fd);
			close(null);
		}
	}
}

static bool
taken(struct handover *h, int pid, const char *count, const char *names)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	bool result = store_take(h);
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
	return result;
}

START_TEST(each_goes_where_its_name_says)
{
	struct handover h;

	open_some(4);
	ck_assert(taken(
	    &h, getpid(), "4", "filemon-watch-1:filemon-table:other:filemon-watch-0"));
	ck_assert_int_eq(h.table, 4);
	ck_assert_uint_eq(h.n_watches, 2);
	ck_assert_int_eq(h.watches[0], 6);
	ck_assert_int_eq(h.watches[1], 3);
	ck_assert_int_eq(fcntl(6, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(what_is_missing_is_none)
{
	struct handover h;

	open_some(2);
	ck_assert(taken(&h, getpid(), "2", "filemon-watch-2:filemon-table"));
	ck_assert_uint_eq(h.n_watches, 3);
	ck_assert_int_eq(h.watches[0], -1);
	ck_assert_int_eq(h.watches[2], 3);
	ck_assert(!taken(&h, getpid(), "1", "filemon-watch-0"));
	ck_assert_int_eq(h.table, -1);
}
END_TEST

START_TEST(of_a_name_that_is_there_twice_nothing_is_taken)
{
	struct handover h;

	open_some(3);
	ck_assert(
	    !taken(&h, getpid(), "3", "filemon-table:filemon-watch-0:filemon-table"));
	ck_assert_uint_eq(h.n_watches, 0);
	for (int fd = 3; fd < 6; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(what_makes_no_sense_is_not_taken)
{
	static const char *const counts[] = { "", "x", "0", "-1", "1025", "99999999999" };
	static const char *const names[] = { "", ":", "filemon-tables", "filemon-watch-",
		"filemon-watch-64", "filemon-watch-0x", "filemon-watch--1",
		"filemon-watch-99999999999999999999" };
	struct handover h;
	char *longer = calloc(1, 5000);

	open_some(1);
	ck_assert(!taken(&h, getppid(), "1", "filemon-table"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		ck_assert(!taken(&h, getpid(), counts[i], "filemon-table"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert(!taken(&h, getpid(), "1", names[i]));
		ck_assert_uint_eq(h.n_watches, 0);
	}
	memset(longer, 'x', 4999);
	ck_assert(!taken(&h, getpid(), "1", longer));
	/* more than there are */
	ck_assert(
	    !taken(&h, getpid(), "20", "other:other:::::::::::::::::filemon-table"));
	free(longer);
	unsetenv("LISTEN_FDS");
	ck_assert(!store_take(&h));
}
END_TEST

START_TEST(without_a_manager_nothing_is_kept)
{
	struct handover h = HANDOVER_NONE;

	store_keep(&h);
}
END_TEST

UNIT_MAIN("store", each_goes_where_its_name_says, what_is_missing_is_none,
    of_a_name_that_is_there_twice_nothing_is_taken, what_makes_no_sense_is_not_taken,
    without_a_manager_nothing_is_kept)
