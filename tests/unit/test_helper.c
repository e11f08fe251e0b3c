/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/helper.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static void
check_path(const char *name, const char *expected)
{
	char *path = helper_path(name);
	ck_assert_str_eq(path, expected);
	free(path);
}

START_TEST(the_environment_comes_first)
{
	setenv("FILEMON_LIBEXECDIR", "/opt/filemon", 1);
	check_path("filemon-x", "/opt/filemon/filemon-x");
}
END_TEST

/* The test program itself stands for a helper that was built beside it. */
START_TEST(a_build_directory_needs_no_installation)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	ck_assert_int_gt(n, 0);
	exe[n] = '\0';
	unsetenv("FILEMON_LIBEXECDIR");
	check_path(strrchr(exe, '/') + 1, exe);
}
END_TEST

START_TEST(else_it_is_where_it_was_configured)
{
	unsetenv("FILEMON_LIBEXECDIR");
	check_path("filemon-no-such", FILEMON_PKGLIBEXECDIR "/filemon-no-such");
	setenv("FILEMON_LIBEXECDIR", "", 1);
	check_path("filemon-no-such", FILEMON_PKGLIBEXECDIR "/filemon-no-such");
}
END_TEST

UNIT_MAIN("helper", the_environment_comes_first, a_build_directory_needs_no_installation,
    else_it_is_where_it_was_configured)
