/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/segments.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char dir[64];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_ctl_segments.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *
name_of(uint64_t first)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s/%020" PRIu64 ".ndjson", dir, first);
	return name;
}

static void
append(uint64_t first, const char *text)
{
	int fd = open(name_of(first), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
remove_dir(const uint64_t *firsts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		unlink(name_of(firsts[i]));
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
next_is(struct segments *s, const char *wanted)
{
	const char *line;
	size_t len;

	ck_assert_int_eq(segments_next(s, &line, &len), 1);
	ck_assert_uint_eq(len, strlen(wanted));
	ck_assert_mem_eq(line, wanted, len);
}

static void
next_is_none(struct segments *s)
{
	const char *line;
	size_t len;

	ck_assert_int_eq(segments_next(s, &line, &len), 0);
}

static bool
any(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	(void)line;
	(void)len;
	return true;
}

static bool
begins_with(void *ctx, const char *line, size_t len)
{
	const char *c = ctx;

	return len > 0 && line[0] == *c;
}

START_TEST(segments_are_read_in_order_of_their_numbers)
{
	struct segments *s;

	make_dir();
	append(10, "k\nl\n");
	append(9, "j\n");
	append(1, "a\nb\n");
	s = segments_open(dir);
	next_is(s, "a");
	next_is(s, "b");
	next_is(s, "j");
	next_is(s, "k");
	next_is(s, "l");
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 1, 9, 10 }, 3);
}
END_TEST

START_TEST(a_line_is_given_when_it_is_complete)
{
	struct segments *s;

	make_dir();
	append(1, "a\nhal");
	s = segments_open(dir);
	next_is(s, "a");
	next_is_none(s);
	append(1, "f\n");
	next_is(s, "half");
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

START_TEST(a_torn_line_that_was_cut_off_is_never_seen)
{
	struct segments *s;

	make_dir();
	append(1, "a\nto");
	s = segments_open(dir);
	next_is(s, "a");
	next_is_none(s);
	ck_assert_int_eq(truncate(name_of(1), 2), 0);
	append(1, "b\n");
	next_is(s, "b");
	segments_close(s);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

START_TEST(reading_goes_on_in_a_new_segment)
{
	struct segments *s;

	make_dir();
	s = segments_open(dir);
	next_is_none(s);
	append(1, "a\n");
	next_is(s, "a");
	next_is_none(s);
	append(1, "b\n"); /* written after the end was seen, before the rotation */
	append(3, "c\n");
	next_is(s, "b");
	next_is(s, "c");
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 1, 3 }, 2);
}
END_TEST

START_TEST(a_log_that_was_begun_anew_is_read_from_its_start)
{
	struct segments *s;

	make_dir();
	append(50, "a\n");
	s = segments_open(dir);
	next_is(s, "a");
	unlink(name_of(50));
	next_is_none(s);
	append(1, "b\n");
	next_is(s, "b");
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

START_TEST(a_directory_that_is_missing_is_no_error)
{
	struct segments *s;

	make_dir();
	remove_dir(NULL, 0);
	s = segments_open(dir);
	segments_seek_last(s, 5, any, NULL);
	next_is_none(s);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	append(1, "a\n");
	next_is(s, "a");
	segments_close(s);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

START_TEST(the_last_lines_are_found_across_segments)
{
	struct segments *s;

	make_dir();
	append(1, "a\nb\nc\n");
	append(4, "");
	append(5, "d\ntorn");
	s = segments_open(dir);
	segments_seek_last(s, 3, any, NULL);
	next_is(s, "b");
	next_is(s, "c");
	next_is(s, "d");
	next_is_none(s);
	segments_seek_last(s, 4, any, NULL);
	next_is(s, "a");
	segments_seek_last(s, 99, any, NULL);
	next_is(s, "a");
	segments_seek_last(s, 1, any, NULL);
	next_is(s, "d");
	segments_seek_end(s);
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 1, 4, 5 }, 3);
}
END_TEST

START_TEST(the_last_wanted_lines_are_counted)
{
	struct segments *s;
	char wanted = 'x';

	make_dir();
	append(1, "x1\ny\nx2\ny\n");
	append(5, "y\nx3\ny\ny\n");
	s = segments_open(dir);
	segments_seek_last(s, 2, begins_with, &wanted);
	next_is(s, "x2");
	segments_seek_last(s, 3, begins_with, &wanted);
	next_is(s, "x1");
	segments_close(s);
	remove_dir((uint64_t[]){ 1, 5 }, 2);
}
END_TEST

/* Lines that are longer than the block that is read at once. */
START_TEST(long_lines_are_read_both_ways)
{
	enum { LEN = 200000, LINES = 5 };
	struct segments *s;
	char *text = malloc(LEN + 2);

	ck_assert_ptr_nonnull(text);
	make_dir();
	for (int i = 0; i < LINES; i++) {
		memset(text, 'a' + i, LEN);
		memcpy(text + LEN, "\n", 2);
		append(1, text);
	}
	s = segments_open(dir);
	for (int i = 1; i <= LINES; i++) {
		segments_seek_last(s, i, any, NULL);
		for (int j = LINES - i; j < LINES; j++) {
			memset(text, 'a' + j, LEN);
			text[LEN] = '\0';
			next_is(s, text);
		}
		next_is_none(s);
	}
	segments_close(s);
	free(text);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

START_TEST(the_segment_of_a_number_is_found)
{
	struct segments *s;

	make_dir();
	append(5, "five\n");
	append(10, "ten\n");
	s = segments_open(dir);
	segments_seek_seq(s, 9);
	next_is(s, "five");
	segments_seek_seq(s, 10);
	next_is(s, "ten");
	segments_seek_seq(s, 1000);
	next_is(s, "ten");
	segments_seek_seq(s, 1);
	next_is(s, "five");
	segments_close(s);
	remove_dir((uint64_t[]){ 5, 10 }, 2);
}
END_TEST

START_TEST(other_files_are_left_alone)
{
	struct segments *s;
	char other[128];

	make_dir();
	snprintf(other, sizeof(other), "%s/1.ndjson", dir);
	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	s = segments_open(dir);
	next_is_none(s);
	append(1, "a\n");
	next_is(s, "a");
	segments_close(s);
	unlink(other);
	remove_dir((uint64_t[]){ 1 }, 1);
}
END_TEST

UNIT_MAIN("ctl_segments", segments_are_read_in_order_of_their_numbers,
    a_line_is_given_when_it_is_complete, a_torn_line_that_was_cut_off_is_never_seen,
    reading_goes_on_in_a_new_segment, a_log_that_was_begun_anew_is_read_from_its_start,
    a_directory_that_is_missing_is_no_error, the_last_lines_are_found_across_segments,
    the_last_wanted_lines_are_counted, long_lines_are_read_both_ways,
    the_segment_of_a_number_is_found, other_files_are_left_alone)
