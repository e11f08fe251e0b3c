/* SPDX-License-Identifier: ISC */
#include "watcher/procfile.h"

#include <string.h>

#include "unit.h"

START_TEST(a_stat_tells_the_parent_the_session_and_the_terminal)
{
	struct proc_stat stat;

	ck_assert(procfile_stat("42 (sh) S 7 42 40 34817 42 4194560", &stat));
	ck_assert_uint_eq(stat.command_len, 2);
	ck_assert_int_eq(memcmp(stat.command, "sh", 2), 0);
	ck_assert_int_eq(stat.parent, 7);
	ck_assert_int_eq(stat.group, 42);
	ck_assert_int_eq(stat.session, 40);
	ck_assert_int_eq(stat.tty, 34817);
}
END_TEST

START_TEST(a_command_may_look_like_the_rest)
{
	struct proc_stat stat;

	ck_assert(procfile_stat("42 (a) R 1 1) (b) S 7 42 40 0 -1", &stat));
	ck_assert_uint_eq(stat.command_len, strlen("a) R 1 1) (b"));
	ck_assert_int_eq(stat.parent, 7);
}
END_TEST

START_TEST(what_is_cut_off_is_no_stat)
{
	static const char *const bad[] = { "", "42", "42 (sh", "42 (sh)", "42 (sh) S 7",
		"42 (sh) S 7 42 40 ", ")(" };
	struct proc_stat stat;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!procfile_stat(bad[i], &stat));
}
END_TEST

UNIT_MAIN("procfile", a_stat_tells_the_parent_the_session_and_the_terminal,
    a_command_may_look_like_the_rest, what_is_cut_off_is_no_stat)
