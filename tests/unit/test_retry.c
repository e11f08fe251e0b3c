/* SPDX-License-Identifier: ISC */
#include "policy/retry.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "unit.h"

static char *words[] = { (char *)"heimdall", (char *)"load", NULL };

static void
set_add(struct exit_set *set, int from, int to)
{
	for (int code = from; code <= to; code++)
		set->bits[code / 64] |= UINT64_C(1) << code % 64;
}

/* The defaults of the options. */
static struct handler_config
handler(void)
{
	struct handler_config h = { .name = (char *)"memory" };
	h.load.v = words;
	h.load.n = 2;
	h.timeout_ms = 5 * 60 * 1000;
	h.backoff_ms = 2000;
	h.backoff_max_ms = 10 * 60 * 1000;
	set_add(&h.success, 0, 0);
	set_add(&h.permanent, 64, 68);
	set_add(&h.permanent, 76, 78);
	set_add(&h.permanent, 100, 100);
	set_add(&h.permanent, 125, 125);
	return h;
}

static enum outcome
expected(int code)
{
	static const int permanent[] = { 64, 65, 66, 67, 68, 76, 77, 78, 100, 125 };
	if (code == 0)
		return OUTCOME_DONE;
	if (code == 126 || code == 127)
		return OUTCOME_FAULT;
	for (size_t i = 0; i < sizeof(permanent) / sizeof(permanent[0]); i++) {
		if (permanent[i] == code)
			return OUTCOME_REJECTED;
	}
	return OUTCOME_RETRY;
}

START_TEST(every_exit_code_has_its_class)
{
	const struct handler_config h = handler();
	for (int code = 0; code < 256; code++)
		ck_assert_msg(retry_classify(&h, WIRE_EXIT, code) == expected(code),
		    "exit %d is %s", code,
		    outcome_name(retry_classify(&h, WIRE_EXIT, code)));
}
END_TEST

START_TEST(the_tables_go_before_what_is_built_in)
{
	struct handler_config h = handler();
	set_add(&h.success, 3, 3);
	set_add(&h.success, 64, 64);
	set_add(&h.permanent, 127, 127);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXIT, 3), OUTCOME_DONE);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXIT, 64), OUTCOME_DONE);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXIT, 127), OUTCOME_REJECTED);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXIT, 126), OUTCOME_FAULT);
}
END_TEST

START_TEST(signals_and_time_outs_are_tried_again)
{
	const struct handler_config h = handler();
	ck_assert_int_eq(retry_classify(&h, WIRE_SIGNAL, SIGKILL), OUTCOME_RETRY);
	ck_assert_int_eq(retry_classify(&h, WIRE_TIMEOUT, 0), OUTCOME_RETRY);
	ck_assert_int_eq(retry_classify(&h, WIRE_CUT, 0), OUTCOME_CUT);
}
END_TEST

START_TEST(what_kept_a_command_from_starting_decides)
{
	const struct handler_config h = handler();
	const int wanting[] = { EAGAIN, ENOMEM, EMFILE, ENFILE };
	const int fault[] = { ENOENT, EACCES, ENOEXEC, EPERM, ELOOP, EINVAL, EISDIR };
	for (size_t i = 0; i < sizeof(wanting) / sizeof(wanting[0]); i++)
		ck_assert_int_eq(
		    retry_classify(&h, WIRE_EXEC_FAILED, wanting[i]), OUTCOME_SHORT);
	for (size_t i = 0; i < sizeof(fault) / sizeof(fault[0]); i++)
		ck_assert_int_eq(
		    retry_classify(&h, WIRE_EXEC_FAILED, fault[i]), OUTCOME_FAULT);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXEC_FAILED, ETXTBSY), OUTCOME_RETRY);
	ck_assert_int_eq(retry_classify(&h, WIRE_EXEC_FAILED, E2BIG), OUTCOME_REJECTED);
	ck_assert_int_eq(
	    retry_classify(&h, WIRE_EXEC_FAILED, ENAMETOOLONG), OUTCOME_REJECTED);
}
END_TEST

START_TEST(the_wait_doubles_up_to_its_cap)
{
	const struct handler_config h = handler();
	ck_assert_int_eq(retry_wait_ms(&h, 1, UINT32_MAX), 2000);
	ck_assert_int_eq(retry_wait_ms(&h, 2, UINT32_MAX), 4000);
	ck_assert_int_eq(retry_wait_ms(&h, 3, UINT32_MAX), 8000);
	ck_assert_int_eq(retry_wait_ms(&h, 9, UINT32_MAX), 512000);
	ck_assert_int_eq(retry_wait_ms(&h, 10, UINT32_MAX), 600000);
	ck_assert_int_eq(retry_wait_ms(&h, 1000, UINT32_MAX), 600000);
	ck_assert_int_eq(retry_wait_ms(&h, INT64_MAX, UINT32_MAX), 600000);
}
END_TEST

START_TEST(the_jitter_is_full)
{
	const struct handler_config h = handler();
	int64_t sum = 0;
	enum { STEPS = 1000 };
	for (uint32_t i = 0; i < STEPS; i++) {
		int64_t wait = retry_wait_ms(&h, 3, i * (UINT32_MAX / STEPS));
		ck_assert_int_ge(wait, 0);
		ck_assert_int_le(wait, 8000);
		sum += wait;
	}
	ck_assert_int_eq(retry_wait_ms(&h, 3, 0), 0);
	ck_assert_int_ge(sum / STEPS, 3900);
	ck_assert_int_le(sum / STEPS, 4100);
}
END_TEST

START_TEST(odd_limits_do_no_harm)
{
	struct handler_config h = handler();
	h.backoff_ms = 0;
	ck_assert_int_eq(retry_wait_ms(&h, 5, UINT32_MAX), 0);
	h.backoff_ms = h.backoff_max_ms = INT64_MAX;
	ck_assert_int_gt(retry_wait_ms(&h, 64, UINT32_MAX), INT64_MAX / 2);
	h.backoff_ms = INT64_MAX / 2 + 1;
	ck_assert_int_gt(retry_wait_ms(&h, 64, UINT32_MAX), INT64_MAX / 2);
	h.backoff_max_ms = 10;
	ck_assert_int_eq(retry_wait_ms(&h, 1, UINT32_MAX), 10);
}
END_TEST

START_TEST(outcomes_are_told_in_words)
{
	const struct handler_config h = handler();
	char out[128];
	ck_assert_str_eq(retry_describe(&h, WIRE_EXIT, 65, out, sizeof(out)), "exit 65");
	ck_assert_str_eq(retry_describe(&h, WIRE_SIGNAL, SIGKILL, out, sizeof(out)),
	    "signal 9 (Killed)");
	ck_assert_str_eq(retry_describe(&h, WIRE_TIMEOUT, 0, out, sizeof(out)),
	    "timed out after 5 min");
	ck_assert_str_eq(retry_describe(&h, WIRE_EXEC_FAILED, ENOENT, out, sizeof(out)),
	    "cannot start heimdall: No such file or directory");
	ck_assert_str_eq(
	    retry_describe(&h, WIRE_CUT, 0, out, sizeof(out)), "broken off by filemon");
}
END_TEST

START_TEST(a_description_fits_its_place)
{
	const struct handler_config h = handler();
	char out[8];
	retry_describe(&h, WIRE_EXEC_FAILED, ENOENT, out, sizeof(out));
	ck_assert_str_eq(out, "cannot ");
}
END_TEST

START_TEST(a_handler_that_only_removes_has_a_name_too)
{
	struct handler_config h = handler();
	char out[128];
	h.remove_file = h.load;
	h.load.n = 0;
	retry_describe(&h, WIRE_EXEC_FAILED, EACCES, out, sizeof(out));
	ck_assert_str_eq(out, "cannot start heimdall: Permission denied");
}
END_TEST

UNIT_MAIN("retry", every_exit_code_has_its_class, the_tables_go_before_what_is_built_in,
    signals_and_time_outs_are_tried_again, what_kept_a_command_from_starting_decides,
    the_wait_doubles_up_to_its_cap, the_jitter_is_full, odd_limits_do_no_harm,
    outcomes_are_told_in_words, a_description_fits_its_place,
    a_handler_that_only_removes_has_a_name_too)
