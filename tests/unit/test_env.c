/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "runner/env.h"

static char *const inherited[] = { (char *)"PATH=/bin", (char *)"NOTIFY_SOCKET=/n",
	(char *)"NOTIFY_SOCKETS=kept", (char *)"LISTEN_FDS=1", (char *)"LISTEN_PID=2",
	(char *)"WATCHDOG_USEC=3", (char *)"FILEMON_JOB=outer",
	(char *)"FILEMON_PATH=outer", (char *)"HOME=/root", NULL };

START_TEST(what_was_meant_for_filemond_alone_is_not_passed_on)
{
	struct env env;
	env_init(&env, inherited);
	ck_assert_uint_eq(env.n, 3);
	ck_assert_str_eq(env_get(&env, "PATH"), "/bin");
	ck_assert_str_eq(env_get(&env, "NOTIFY_SOCKETS"), "kept");
	ck_assert_str_eq(env_get(&env, "HOME"), "/root");
	ck_assert_ptr_null(env_get(&env, "FILEMON_JOB"));
	ck_assert_ptr_null(env.v[3]);
	env_release(&env);
}
END_TEST

START_TEST(a_variable_that_is_set_again_is_replaced)
{
	struct env env;
	env_init(&env, inherited);
	env_set(&env, "PATH", "/opt/bin");
	env_set(&env, "PATH", "/usr/bin");
	env_put(&env, "HOME=");
	env_put(&env, "no pair");
	env_seti(&env, "N", 5);
	ck_assert_uint_eq(env.n, 4);
	ck_assert_str_eq(env_get(&env, "PATH"), "/usr/bin");
	ck_assert_str_eq(env_get(&env, "HOME"), "");
	ck_assert_str_eq(env_get(&env, "NOTIFY_SOCKETS"), "kept");
	ck_assert_str_eq(env_get(&env, "N"), "5");
	env_release(&env);
}
END_TEST

START_TEST(it_grows_and_stays_terminated)
{
	struct env env;
	env_init(&env, NULL);
	for (int i = 0; i < 300; i++) {
		char name[16];
		snprintf(name, sizeof(name), "V%d", i);
		env_set(&env, name, "x");
		ck_assert_ptr_null(env.v[env.n]);
	}
	ck_assert_uint_eq(env.n, 300);
	ck_assert_str_eq(env_get(&env, "V299"), "x");
	env_release(&env);
}
END_TEST

UNIT_MAIN("env", what_was_meant_for_filemond_alone_is_not_passed_on,
    a_variable_that_is_set_again_is_replaced, it_grows_and_stays_terminated)
