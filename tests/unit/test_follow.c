/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "eventlog/name.h"
#include "runner/ack.h"
#include "runner/cursor.h"
#include "runner/follow.h"

static char dir[64];
static struct follow *follow;
static int ends[2];
static struct buf got;

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_follow.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	signal(SIGPIPE, SIG_IGN);
	follow = follow_new(dir);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	buf_reset(&got);
}

static void
tear_down(void)
{
	char command[128];
	follow_free(follow);
	close(ends[0]);
	close(ends[1]);
	buf_release(&got);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* A record with so many bytes more than it needs. */
static void
add_record(struct buf *out, uint64_t seq, size_t extra)
{
	buf_addf(out,
	    "{\"v\":1,\"seq\":%llu,\"id\":\"0198f3c2-5a1b-7c3d-9e4f-0123456789ab\","
	    "\"timestamp_utc\":\"2026-01-31T13:59:%02llu.000000000Z\",\"x\":\"",
	    (unsigned long long)seq, (unsigned long long)(seq % 60));
	for (size_t i = 0; i < extra; i++)
		buf_addc(out, 'x');
	buf_adds(out, "\"}\n");
}

static void
append(uint64_t segment, const char *text, size_t len)
{
	char name[NAME_SIZE], path[128];
	name_format(segment, FORM_PLAIN, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fd_write_all(fd, text, len), 0);
	close(fd);
}

static void
write_records(uint64_t segment, uint64_t from, uint64_t to, size_t extra)
{
	struct buf text = BUF_INIT;
	for (uint64_t seq = from; seq <= to; seq++)
		add_record(&text, seq, extra);
	append(segment, text.p, text.len);
	buf_release(&text);
}

static size_t
drain(void)
{
	size_t before = got.len;
	ssize_t n;
	do {
		buf_reserve(&got, 65536);
		n = read(ends[0], got.p + got.len, 65536);
		if (n > 0)
			got.len += (size_t)n;
	} while (n > 0);
	return got.len - before;
}

/* Feeds and reads till all is fed. */
static void
feed_all(uint64_t last)
{
	for (;;) {
		enum follow_end end = follow_feed(follow, ends[1], last);
		drain();
		if (end == FOLLOW_CAUGHT)
			return;
		ck_assert(end == FOLLOW_FULL || end == FOLLOW_MORE);
	}
}

static void
expect(uint64_t from, uint64_t to, size_t extra)
{
	struct buf want = BUF_INIT;
	for (uint64_t seq = from; seq <= to; seq++)
		add_record(&want, seq, extra);
	ck_assert_uint_eq(got.len, want.len);
	ck_assert_int_eq(got.len > 0 ? memcmp(got.p, want.p, want.len) : 0, 0);
	buf_release(&want);
	buf_reset(&got);
}

START_TEST(it_begins_behind_any_record)
{
	set_up();
	write_records(1, 1, 200, 7);
	for (uint64_t seq = 0; seq <= 200; seq++) {
		follow_seek(follow, seq);
		feed_all(200);
		expect(seq + 1, 200, 7);
		ck_assert_uint_eq(follow_fed(follow), 200);
	}
	tear_down();
}
END_TEST

START_TEST(it_goes_from_segment_to_segment_and_waits_at_the_end)
{
	set_up();
	follow_seek(follow, 0);
	feed_all(0);
	write_records(1, 1, 10, 0);
	feed_all(10);
	expect(1, 10, 0);
	ck_assert_int_eq(follow_feed(follow, ends[1], 10), FOLLOW_CAUGHT);
	/* More in the old one, before the new one was begun. */
	write_records(1, 11, 12, 0);
	write_records(13, 13, 20, 0);
	write_records(21, 21, 30, 0);
	feed_all(30);
	expect(11, 30, 0);
	write_records(21, 31, 31, 0);
	feed_all(31);
	expect(31, 31, 0);
	tear_down();
}
END_TEST

START_TEST(a_full_pipe_stops_it_and_what_was_taken_is_known)
{
	int unread;
	set_up();
	write_records(1, 1, 3000, 100);
	follow_seek(follow, 0);
	ck_assert_int_eq(follow_feed(follow, ends[1], 3000), FOLLOW_FULL);
	ck_assert_int_eq(ioctl(ends[1], FIONREAD, &unread), 0);
	ck_assert_int_gt(unread, 0);
	ck_assert_uint_lt(follow_fed(follow), 3000);
	ck_assert_uint_gt(follow_fed(follow), 0);
	ck_assert_uint_eq(follow_taken(follow, (size_t)unread), 0);
	ck_assert_uint_eq(follow_taken(follow, 0), follow_fed(follow));
	/* Of the first three records and a bit of the fourth. */
	struct buf three = BUF_INIT;
	for (uint64_t seq = 1; seq <= 3; seq++)
		add_record(&three, seq, 100);
	ck_assert_uint_eq(follow_taken(follow, (size_t)unread - three.len - 9), 3);
	ck_assert_uint_eq(follow_taken(follow, (size_t)unread - three.len + 1), 2);
	buf_release(&three);
	feed_all(3000);
	expect(1, 3000, 100);
	tear_down();
}
END_TEST

START_TEST(long_lines_and_lines_that_are_no_records)
{
	set_up();
	write_records(1, 1, 3, 100000);
	append(1, "torn {\n\n", 8);
	write_records(1, 4, 5, 300000);
	for (uint64_t seq = 0; seq <= 5; seq++) {
		follow_seek(follow, seq);
		feed_all(5);
		ck_assert_uint_eq(follow_fed(follow), 5);
		const char *first = strstr(got.len > 0 ? got.p : "", "\"seq\":");
		if (seq < 5 && first)
			ck_assert_uint_eq(strtoull(first + 6, NULL, 10), seq + 1);
		ck_assert(seq < 5 ? got.len > 300000 : got.len == 0);
		buf_reset(&got);
	}
	tear_down();
}
END_TEST

START_TEST(what_is_not_kept_is_counted_and_times_are_found)
{
	set_up();
	write_records(100, 100, 110, 0);
	follow_seek(follow, 49);
	feed_all(110);
	expect(100, 110, 0);
	ck_assert_uint_eq(follow_missed(follow), 50);
	/* 2026-01-31T13:59:41Z */
	ck_assert_int_eq(
	    follow_time_after(follow, 100), INT64_C(1769867981) * 1000000000);
	ck_assert_int_eq(follow_time_after(follow, 110), 0);
	tear_down();
}
END_TEST

/* Its place is taken by a name: what is in it comes through follow_give. */
static void
make_packed(uint64_t segment, int64_t seconds)
{
	char name[NAME_SIZE], path[128];
	const struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };
	name_format(segment, FORM_PACKED, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

static int
text_of(uint64_t from, uint64_t to)
{
	struct buf text = BUF_INIT;
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	for (uint64_t seq = from; seq <= to; seq++)
		add_record(&text, seq, 0);
	ck_assert_int_eq(fd_write_all(fd, text.p, text.len), 0);
	buf_release(&text);
	return fd;
}

static void
wants(uint64_t first, uint64_t from, uint64_t next)
{
	const struct follow_wants *wanted = follow_wants(follow);
	ck_assert_int_eq(follow_feed(follow, ends[1], 40), FOLLOW_PACKED);
	ck_assert_uint_eq(wanted->first, first);
	ck_assert_uint_eq(wanted->from, from);
	ck_assert_uint_eq(wanted->next, next);
}

START_TEST(compressed_segments_are_fed_from_their_text)
{
	set_up();
	make_packed(1, 60);
	make_packed(8, 70);
	write_records(15, 15, 20, 0);
	make_packed(21, 80);
	write_records(31, 31, 40, 0);
	follow_seek(follow, 3);
	ck_assert_int_eq(follow_time_after(follow, 3), INT64_C(60) * 1000000000);
	wants(1, 4, 8);
	wants(1, 4, 8);
	ck_assert_uint_eq(follow_fed(follow), 3);
	follow_give(follow, text_of(2, 7), 0);
	/* 2026-01-31T13:59:05Z */
	ck_assert_int_eq(follow_time_after(follow, 4), INT64_C(1769867945) * 1000000000);
	wants(8, 8, 15);
	drain();
	expect(4, 7, 0);
	ck_assert_uint_eq(follow_taken(follow, 0), 7);
	follow_give(follow, text_of(8, 14), 0);
	wants(21, 21, 31);
	drain();
	expect(8, 20, 0);
	follow_give(follow, text_of(21, 25), 5);
	feed_all(40);
	ck_assert_uint_eq(follow_missed(follow), 5);
	ck_assert_uint_eq(follow_fed(follow), 40);
	tear_down();
}
END_TEST

START_TEST(a_compressed_segment_that_goes_is_passed_over)
{
	char path[128];
	set_up();
	make_packed(1, 60);
	make_packed(8, 70);
	make_packed(15, 70);
	write_records(31, 31, 40, 0);
	follow_seek(follow, 0);
	wants(1, 1, 8);
	snprintf(path, sizeof(path), "%s/00000000000000000001.ndjson.zst", dir);
	unlink(path);
	follow_look_again(follow);
	wants(8, 8, 15);
	ck_assert_uint_eq(follow_missed(follow), 7);
	follow_give(follow, text_of(8, 14), 0);
	wants(15, 15, 31);
	/* All of it is damaged. */
	follow_give(follow, text_of(1, 0), 16);
	feed_all(40);
	ck_assert_uint_eq(follow_missed(follow), 23);
	ck_assert_uint_eq(follow_fed(follow), 40);
	tear_down();
}
END_TEST

static void
remove_segment(uint64_t first, enum name_form form)
{
	char name[NAME_SIZE], path[128];
	name_format(first, form, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(unlink(path), 0);
}

START_TEST(a_segment_that_goes_while_one_is_fed_is_counted)
{
	static const char gap[] =
	    "{\"v\":1,\"seq\":20,\"id\":\"i\",\"timestamp_utc\":\"t\","
	    "\"event_type\":{\"type\":\"gap\",\"count\":5}}\n";
	set_up();
	write_records(1, 1, 3, 0);
	follow_seek(follow, 0);
	feed_all(3);
	write_records(4, 4, 6, 0);
	write_records(7, 7, 9, 0);
	remove_segment(4, FORM_PLAIN);
	feed_all(9);
	ck_assert_uint_eq(follow_fed(follow), 9);
	ck_assert_uint_eq(follow_missed(follow), 3);
	/* Once it is given, however often it is wanted; damage once, too. */
	make_packed(12, 60);
	make_packed(15, 60);
	wants(12, 12, 15);
	wants(12, 12, 15);
	ck_assert_uint_eq(follow_missed(follow), 3);
	follow_give(follow, text_of(12, 13), 1);
	ck_assert_uint_eq(follow_missed(follow), 6);
	wants(15, 15, 15);
	follow_give(follow, text_of(15, 15), 0);
	ck_assert_uint_eq(follow_missed(follow), 6);
	/* A gap is fed as it is. */
	append(20, gap, sizeof(gap) - 1);
	feed_all(20);
	ck_assert_uint_eq(follow_fed(follow), 20);
	ck_assert_uint_eq(follow_missed(follow), 6);
	tear_down();
}
END_TEST

/* The next descriptor cannot be had, or can. */
static void
set_descriptors(bool free)
{
	struct rlimit limit;
	int next = dup(0);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = free ? limit.rlim_max : (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
expect_failure(uint64_t last)
{
	set_descriptors(false);
	enum follow_end end = follow_feed(follow, ends[1], last);
	int error = errno;
	set_descriptors(true);
	ck_assert_int_eq(end, FOLLOW_FAILED);
	ck_assert_int_eq(error, EMFILE);
	drain();
}

START_TEST(without_a_descriptor_it_is_not_at_the_end)
{
	set_up();
	write_records(1, 1, 10, 0);
	follow_seek(follow, 0);
	expect_failure(10);
	feed_all(10);
	expect(1, 10, 0);
	write_records(11, 11, 20, 0);
	expect_failure(20);
	feed_all(20);
	expect(11, 20, 0);
	tear_down();
}
END_TEST

START_TEST(nobody_reads)
{
	set_up();
	write_records(8, 8, 9, 0);
	follow_seek(follow, 7);
	close(ends[0]);
	ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(follow_feed(follow, ends[1], 9), FOLLOW_GONE);
	tear_down();
}
END_TEST

/* Fed in pieces of every size, it is the same. */
static int
feed_pieces(const char *text, size_t piece, uint64_t *highest)
{
	struct ack ack;
	int result = 0;
	ack_init(&ack);
	*highest = 0;
	for (size_t len = strlen(text); len > 0 && result != -1;) {
		size_t n = len < piece ? len : piece;
		uint64_t seq;
		result = ack_feed(&ack, text, n, &seq);
		if (result == 1 && seq > *highest)
			*highest = seq;
		text += n;
		len -= n;
	}
	return result;
}

START_TEST(acknowledgements_are_read_in_any_pieces)
{
	uint64_t seq;
	for (size_t piece = 1; piece < 20; piece++) {
		ck_assert_int_ne(
		    feed_pieces("ack 7\nack 12\r\nack 9\n", piece, &seq), -1);
		ck_assert_uint_eq(seq, 12);
		ck_assert_int_eq(feed_pieces("ack 7", piece, &seq), 0);
		ck_assert_uint_eq(seq, 0);
	}
}
END_TEST

START_TEST(what_is_no_acknowledgement_is_refused)
{
	static const char *const bad[] = { "\n", "ack\n", "ack \n", "ack x\n", "ack 1x\n",
		"ack -1\n", "ok 1\n", "ack 1 2\n", " ack 1\n", "ack  1\n",
		"ack 99999999999999999999\n",
		"a line that is longer than any acknowledgement can be\n" };
	uint64_t seq;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t piece = 1; piece < 70; piece += 23)
			ck_assert_msg(
			    feed_pieces(bad[i], piece, &seq) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(a_cursor_is_read_back_and_a_torn_one_is_the_one_before)
{
	struct cursor cursor;
	char path[128];
	set_up();
	snprintf(path, sizeof(path), "%s/sinks/a.cursor", dir);
	ck_assert_int_eq(cursor_open(&cursor, path), 0);
	ck_assert_int_eq(cursor_begin(&cursor, 41), 0);
	for (uint64_t seq = 42; seq <= 100; seq++)
		ck_assert_int_eq(cursor_move(&cursor, seq), 0);
	unsigned slot = cursor.slot;
	cursor_close(&cursor);
	ck_assert_int_eq(cursor_open(&cursor, path), 1);
	ck_assert_uint_eq(cursor.seq, 100);
	ck_assert_uint_eq(cursor.slot, slot);
	/* The slot of 100 is the one not next: damaged. */
	ck_assert_int_eq(pwrite(cursor.fd, "9", 1, (slot + 1) % 2 * 38 + 3), 1);
	cursor_close(&cursor);
	ck_assert_int_eq(cursor_open(&cursor, path), 1);
	ck_assert_uint_eq(cursor.seq, 99);
	/* It may go back when it is begun anew. */
	ck_assert_int_eq(cursor_begin(&cursor, 3), 0);
	cursor_close(&cursor);
	ck_assert_int_eq(cursor_open(&cursor, path), 1);
	ck_assert_uint_eq(cursor.seq, 3);
	ck_assert_int_eq(ftruncate(cursor.fd, 20), 0);
	cursor_close(&cursor);
	ck_assert_int_eq(cursor_open(&cursor, path), 0);
	cursor_close(&cursor);
	tear_down();
}
END_TEST

UNIT_MAIN("follow", it_begins_behind_any_record,
    it_goes_from_segment_to_segment_and_waits_at_the_end,
    a_full_pipe_stops_it_and_what_was_taken_is_known,
    long_lines_and_lines_that_are_no_records,
    what_is_not_kept_is_counted_and_times_are_found,
    compressed_segments_are_fed_from_their_text,
    a_compressed_segment_that_goes_is_passed_over,
    a_segment_that_goes_while_one_is_fed_is_counted,
    without_a_descriptor_it_is_not_at_the_end, nobody_reads,
    acknowledgements_are_read_in_any_pieces, what_is_no_acknowledgement_is_refused,
    a_cursor_is_read_back_and_a_torn_one_is_the_one_before)
