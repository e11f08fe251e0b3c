/* SPDX-License-Identifier: ISC */
#include "enrich/procfile.h"

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

START_TEST(a_terminal_is_a_device)
{
	ck_assert_int_eq(procfile_pts(136 << 8 | 3), 3);
	ck_assert_int_eq(procfile_pts(137 << 8 | 3), 259);
	ck_assert_int_eq(procfile_pts(4 << 8 | 1), -1);
	ck_assert_int_eq(procfile_pts(0), -1);
	/* The minor has eight bits below the major, and more above. */
	ck_assert_int_eq(procfile_pts(1 << 20 | 136 << 8 | 2), 258);
	ck_assert_uint_eq(procfile_tty_major(4 << 8 | 65), 4);
	ck_assert_uint_eq(procfile_tty_minor(4 << 8 | 65), 65);
}
END_TEST

START_TEST(a_variable_is_known_by_its_whole_name)
{
	static const char env[] = "MY_TMUX=no\0TMUX_PANE=%1\0TMUX=/s,1,0\0EMPTY=";

	ck_assert_str_eq(procfile_env(env, sizeof(env), "TMUX"), "/s,1,0");
	ck_assert_str_eq(procfile_env(env, sizeof(env), "EMPTY"), "");
	ck_assert_ptr_null(procfile_env(env, sizeof(env), "TMU"));
	ck_assert_ptr_null(procfile_env(env, sizeof(env), "SSH_CONNECTION"));
	ck_assert_ptr_null(procfile_env("", 0, "TMUX"));
}
END_TEST

/* It goes on elsewhere: half a value would pass as a whole one. */
START_TEST(a_variable_that_is_cut_off_is_not_there)
{
	static const char env[] = "A=1\0B=2";

	ck_assert_str_eq(procfile_env(env, sizeof(env) - 1, "A"), "1");
	ck_assert_ptr_null(procfile_env(env, sizeof(env) - 1, "B"));
}
END_TEST

UNIT_MAIN("procfile", a_stat_tells_the_parent_the_session_and_the_terminal,
    a_command_may_look_like_the_rest, what_is_cut_off_is_no_stat, a_terminal_is_a_device,
    a_variable_is_known_by_its_whole_name, a_variable_that_is_cut_off_is_not_there)
