/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "runner/output.h"

static const struct output_limits limits = {
	.tail = 8, .per_second = 3, .logged_max = 64
};

/* Messages go to a file that is nowhere, to be read back. */
static FILE *
catch_log(void)
{
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	log_init(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	log_set_fd(fileno(file));
	return file;
}

static char *
logged(FILE *file)
{
	static char text[65536];
	ssize_t n = pread(fileno(file), text, sizeof(text) - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned
count_lines(const char *text)
{
	unsigned n = 0;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void
say(struct output *o, enum output_stream stream, const char *text, int64_t now)
{
	output_add(o, stream, text, strlen(text), now);
}

START_TEST(lines_are_logged_with_the_level_of_their_stream)
{
	FILE *file = catch_log();
	struct output *o = output_new("handler h a", &limits);
	say(o, OUTPUT_STDOUT, "on", 0);
	say(o, OUTPUT_STDERR, "bad\n", 0);
	say(o, OUTPUT_STDOUT, "e\n\nla", 0);
	output_end(o, 0);
	const char *text = logged(file);
	ck_assert_ptr_nonnull(strstr(text, "<4>"));
	ck_assert_ptr_nonnull(strstr(text, "handler h a: bad\n"));
	ck_assert_ptr_nonnull(strstr(text, "handler h a: one\n"));
	ck_assert_ptr_nonnull(strstr(text, "handler h a: la\n"));
	ck_assert_uint_eq(count_lines(text), 3);
	output_free(o);
	fclose(file);
}
END_TEST

START_TEST(so_many_lines_a_second_and_the_rest_is_counted)
{
	FILE *file = catch_log();
	struct output *o = output_new("s", &limits);
	char line[16];
	for (int i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), "l%d\n", i);
		say(o, OUTPUT_STDOUT, line, 100);
	}
	say(o, OUTPUT_STDOUT, "next second\n", 1100);
	output_end(o, 1100);
	const char *text = logged(file);
	ck_assert_uint_eq(count_lines(text), 5);
	ck_assert_ptr_nonnull(strstr(text, "s: next second\n"));
	ck_assert_ptr_nonnull(strstr(text, "s: 7 more lines not logged\n"));
	output_free(o);
	fclose(file);
}
END_TEST

START_TEST(so_many_bytes_in_all_are_logged)
{
	FILE *file = catch_log();
	struct output *o = output_new("s", &limits);
	for (int i = 0; i < 10; i++)
		say(o, OUTPUT_STDOUT, i % 2 ? "bbbbbbbbbbbbbbb\n" : "aaaaaaaaaaaaaaa\n",
		    i * 2000);
	output_end(o, 20000);
	/* Four lines of 15 bytes, and the one that says what is not there. */
	ck_assert_uint_eq(count_lines(logged(file)), 5);
	ck_assert_ptr_nonnull(strstr(logged(file), "6 more lines not logged"));
	output_free(o);
	fclose(file);
}
END_TEST

START_TEST(of_a_long_line_the_beginning_is_logged)
{
	struct output_limits wide = { .tail = 8, .per_second = 9, .logged_max = 5000 };
	FILE *file = catch_log();
	struct output *o = output_new("s", &wide);
	for (int i = 0; i < 3000; i++)
		say(o, OUTPUT_STDERR, "x", 0);
	say(o, OUTPUT_STDERR, "y\n", 0);
	output_end(o, 0);
	ck_assert_uint_lt(strlen(logged(file)), 1100);
	ck_assert_ptr_nonnull(strstr(logged(file), "xxx ...\n"));
	output_free(o);
	fclose(file);
}
END_TEST

START_TEST(one_that_lives_long_is_heard_again_in_the_next_period)
{
	struct output_limits small = {
		.tail = 8, .per_second = 9, .logged_max = 5, .period_ms = 60000
	};
	FILE *file = catch_log();
	struct output *o = output_new("s", &small);
	say(o, OUTPUT_STDERR, "first\nover\nover\n", 0);
	say(o, OUTPUT_STDERR, "over\n", 59999);
	ck_assert_uint_eq(count_lines(logged(file)), 1);
	say(o, OUTPUT_STDERR, "again\n", 60000);
	ck_assert_uint_eq(count_lines(logged(file)), 3);
	ck_assert_ptr_nonnull(strstr(logged(file), "3 more lines not logged"));
	output_end(o, 60000);
	ck_assert_uint_eq(count_lines(logged(file)), 3);
	output_free(o);
	fclose(file);
}
END_TEST

static void
check_tail(const char *const *pieces, const char *want)
{
	char tail[8];
	struct output *o = output_new("s", &limits);
	for (; *pieces; pieces++)
		say(o, OUTPUT_STDOUT, *pieces, 0);
	size_t n = output_tail(o, tail);
	ck_assert_uint_eq(n, strlen(want));
	ck_assert_mem_eq(tail, want, n);
	output_free(o);
}

START_TEST(the_last_bytes_are_kept)
{
	FILE *file = catch_log();
	check_tail((const char *const[]){ NULL }, "");
	check_tail((const char *const[]){ "abc", NULL }, "abc");
	check_tail((const char *const[]){ "abcdefgh", NULL }, "abcdefgh");
	check_tail((const char *const[]){ "abcdefgh", "i", NULL }, "bcdefghi");
	check_tail((const char *const[]){ "abcde", "fghij", NULL }, "cdefghij");
	check_tail((const char *const[]){ "abcd", "efgh", "ij", "k", NULL }, "defghijk");
	check_tail(
	    (const char *const[]){ "ab", "0123456789abcdef", "X", NULL }, "9abcdefX");
	fclose(file);
}
END_TEST

UNIT_MAIN("output", lines_are_logged_with_the_level_of_their_stream,
    so_many_lines_a_second_and_the_rest_is_counted, so_many_bytes_in_all_are_logged,
    of_a_long_line_the_beginning_is_logged,
    one_that_lives_long_is_heard_again_in_the_next_period, the_last_bytes_are_kept)
