/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_UNIT_H
#define FILEMON_TESTS_UNIT_H

/* main() of a unit test: its cases as TAP.  UNIT_MAIN("buf", a_case, another) */

#include <check.h>
#include <stddef.h>

/* check writes to the parent where it is after each assertion that holds, which took
   most of the time of a test with many.  What is failing is said as before. */
#undef ck_assert
#undef ck_assert_msg
#define ck_assert(expr) ck_assert_msg(expr, "Assertion '%s' failed", #expr)
#define ck_assert_msg(expr, ...) \
	do { \
		if (!(expr)) \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const TTest *const cases[] = { __VA_ARGS__ }; \
		Suite *suite = suite_create(name); \
		TCase *tcase = tcase_create(name); \
		tcase_set_timeout(tcase, 60); \
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) \
			tcase_add_test(tcase, cases[i]); \
		suite_add_tcase(suite, tcase); \
		SRunner *runner = srunner_create(suite); \
		srunner_set_tap(runner, "-"); \
		srunner_run_all(runner, CK_SILENT); \
		srunner_free(runner); \
		return 0; \
	}

#endif
