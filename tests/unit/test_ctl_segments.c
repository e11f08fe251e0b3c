/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack/pack.h"
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

static bool
is_below(void *ctx, const char *line, size_t len)
{
	(void)len;
	return strtol(line, NULL, 10) < *(const long *)ctx;
}

/* Lines of their own number, and one of something longer now and then. */
static void
append_numbers(uint64_t first, int n)
{
	char *text = malloc((size_t)n * 600), *p = text;

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < n; i++)
		p += sprintf(p, "%d %0*d\n", (int)first + i, i % 50 == 0 ? 500 : 10, 0);
	append(first, text);
	free(text);
}

/* How many lines are read from where seek leads to until wanted is found. */
static long
find(struct segments *s, long wanted)
{
	const char *line;
	size_t len;
	long n = 0;

	segments_seek(s, is_below, &wanted);
	while (segments_next(s, &line, &len) == 1) {
		n++;
		if (strtol(line, NULL, 10) >= wanted) {
			ck_assert_int_eq(strtol(line, NULL, 10), wanted);
			return n;
		}
	}
	ck_abort_msg("%ld was not found", wanted);
}

static void
seek_everywhere(void)
{
	struct segments *s = segments_open(dir);

	for (long wanted = 1; wanted < 30000; wanted += 499)
		ck_assert_int_lt(find(s, wanted), 5000); /* of 30000: about a block */
	ck_assert_int_eq(find(s, 1), 1);
	ck_assert_int_lt(find(s, 30000), 5000);
	segments_close(s);
}

static void
append_three(void)
{
	append_numbers(1, 10000);
	append_numbers(10001, 15000);
	append_numbers(25001, 5000);
	append(30001, ""); /* begun, and nothing in it yet */
}

START_TEST(a_line_is_found_by_halving)
{
	make_dir();
	append_three();
	seek_everywhere();
	remove_dir((uint64_t[]){ 1, 10001, 25001, 30001 }, 4);
}
END_TEST

START_TEST(what_is_before_or_behind_all_is_found_too)
{
	struct segments *s;
	long none = 99, all = 0;

	make_dir();
	s = segments_open(dir);
	segments_seek(s, is_below, &all);
	next_is_none(s);
	append(5, "5\n");
	append(10, "10\n");
	segments_seek(s, is_below, &all);
	next_is(s, "5");
	segments_seek(s, is_below, &none);
	next_is(s, "10");
	next_is_none(s);
	segments_close(s);
	remove_dir((uint64_t[]){ 5, 10 }, 2);
}
END_TEST

static void
pack(uint64_t first)
{
	ck_assert_int_eq(pack_segment(dir, first), 0);
	ck_assert_int_eq(access(name_of(first), F_OK), -1);
}

static void
remove_packed(uint64_t first)
{
	char name[160];

	snprintf(name, sizeof(name), "%s.zst", name_of(first));
	ck_assert_int_eq(unlink(name), 0);
}

START_TEST(compressed_segments_are_read_as_plain_ones_are)
{
	struct segments *s;
	const char *line;
	size_t len;
	long n = 0;

	make_dir();
	append_three();
	pack(1);
	pack(10001);
	seek_everywhere();
	s = segments_open(dir);
	while (segments_next(s, &line, &len) == 1)
		ck_assert_int_eq(strtol(line, NULL, 10), ++n);
	ck_assert_int_eq(n, 30000);
	segments_seek_last(s, 20000, any, NULL);
	ck_assert_int_eq(segments_next(s, &line, &len), 1);
	ck_assert_int_eq(strtol(line, NULL, 10), 10001);
	segments_close(s);
	remove_packed(1);
	remove_packed(10001);
	remove_dir((uint64_t[]){ 25001, 30001 }, 2);
}
END_TEST

START_TEST(reading_goes_on_while_a_segment_is_compressed)
{
	struct segments *s;

	make_dir();
	append(1, "a\nb\n");
	s = segments_open(dir);
	next_is(s, "a");
	pack(1);
	next_is(s, "b");
	next_is_none(s);
	append(3, "c\n");
	next_is(s, "c");
	segments_close(s);
	remove_packed(1);
	remove_dir((uint64_t[]){ 3 }, 1);
}
END_TEST

START_TEST(of_two_forms_of_a_segment_one_is_read)
{
	struct segments *s;

	make_dir();
	append(1, "a\n");
	pack(1);
	append(1, "a\n"); /* the child was killed before it removed this */
	append(2, "b\n");
	s = segments_open(dir);
	next_is(s, "a");
	next_is(s, "b");
	next_is_none(s);
	segments_close(s);
	pack(1);
	remove_packed(1);
	remove_dir((uint64_t[]){ 2 }, 1);
}
END_TEST

START_TEST(a_damaged_compressed_segment_is_an_error)
{
	struct segments *s;
	const char *line;
	char name[160];
	size_t len;

	make_dir();
	append_numbers(1, 1000);
	pack(1);
	snprintf(name, sizeof(name), "%s.zst", name_of(1));
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "xxxx", 4, 100), 4);
	close(fd);
	s = segments_open(dir);
	ck_assert_int_eq(segments_next(s, &line, &len), -1);
	ck_assert_int_eq(errno, EBADMSG);
	segments_close(s);
	ck_assert_int_eq(truncate(name, 50), 0);
	s = segments_open(dir);
	ck_assert_int_ne(segments_next(s, &line, &len), 1);
	segments_close(s);
	remove_packed(1);
	remove_dir(NULL, 0);
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
    a_line_is_found_by_halving, what_is_before_or_behind_all_is_found_too,
    compressed_segments_are_read_as_plain_ones_are,
    reading_goes_on_while_a_segment_is_compressed, of_two_forms_of_a_segment_one_is_read,
    a_damaged_compressed_segment_is_an_error, other_files_are_left_alone)
