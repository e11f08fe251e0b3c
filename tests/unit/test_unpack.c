/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "eventlog/name.h"
#include "eventlog/packed.h"
#include "pack/pack.h"
#include "pack/unpack.h"

#define RECORDS 20000
#define FIRST 101
#define NEXT (FIRST + RECORDS)

static char dir[64];
static struct buf plain;
static int out;

static const char *
path_of(enum name_form form)
{
	static char path[128];
	char name[NAME_SIZE];
	name_format(FIRST, form, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_unpack.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	buf_reset(&plain);
	for (int seq = FIRST; seq < NEXT; seq++)
		buf_addf(&plain,
		    "{\"v\":1,\"seq\":%d,\"id\":\"0198f3c2-5a1b-7c3d-9e4f-0123456789ab\","
		    "\"timestamp_utc\":\"2026-01-31T13:59:43.000000000Z\"}\n",
		    seq);
	int fd = open(path_of(FORM_PLAIN), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(fd, plain.p, plain.len), 0);
	close(fd);
	ck_assert_int_eq(pack_segment(dir, FIRST), 0);
	out = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	ck_assert_int_ne(out, -1);
}

static void
tear_down(void)
{
	close(out);
	buf_release(&plain);
	unlink(path_of(FORM_PACKED));
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
unpack_from(uint64_t from, uint64_t *lost)
{
	const struct unpack_range range = { FIRST, from, NEXT };
	ck_assert_int_eq(ftruncate(out, 0), 0);
	ck_assert_int_eq(lseek(out, 0, SEEK_SET), 0);
	return unpack_segment(dir, &range, out, lost);
}

static size_t
written(void)
{
	struct stat st;
	ck_assert_int_eq(fstat(out, &st), 0);
	return (size_t)st.st_size;
}

/* The end of the text is what was written; the first number in it. */
static uint64_t
begins_with(void)
{
	struct buf text = BUF_INIT;
	size_t n = written();
	ck_assert_uint_le(n, plain.len);
	buf_reserve(&text, n + 1);
	ck_assert_int_eq(pread(out, text.p, n, 0), (ssize_t)n);
	ck_assert_int_eq(memcmp(text.p, plain.p + plain.len - n, n), 0);
	uint64_t seq = strtoull(text.p + sizeof("{\"v\":1,\"seq\":") - 1, NULL, 10);
	buf_release(&text);
	return seq;
}

static struct packed
table(void)
{
	struct packed packed;
	struct stat st;
	int fd = open(path_of(FORM_PACKED), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(packed_read(fd, st.st_size, &packed), 0);
	close(fd);
	return packed;
}

static void
damage(off_t at)
{
	int fd = open(path_of(FORM_PACKED), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "xxxx", 4, at), 4);
	close(fd);
}

START_TEST(it_begins_in_the_frame_of_what_is_wanted)
{
	uint64_t lost;
	set_up();
	ck_assert_int_eq(unpack_from(FIRST, &lost), 0);
	ck_assert_uint_eq(written(), plain.len);
	for (uint64_t from = FIRST; from < NEXT; from += 777) {
		ck_assert_int_eq(unpack_from(from, &lost), 0);
		uint64_t begin = begins_with();
		ck_assert_uint_le(begin, from);
		ck_assert_uint_gt(begin + 3000, from);
	}
	tear_down();
}
END_TEST

static size_t
lines_in(off_t from, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += plain.p[(size_t)from + i] == '\n';
	return n;
}

START_TEST(a_damaged_frame_is_left_out_and_its_records_are_counted)
{
	uint64_t lost;
	set_up();
	struct packed packed = table();
	ck_assert_uint_gt(packed.n, 4);
	for (size_t i = packed.n; i-- > packed.n - 2;) {
		damage(packed.v[i].at + packed.v[i].size / 2);
		ck_assert_int_eq(unpack_from(FIRST, &lost), 1);
		ck_assert_uint_eq(lost,
		    lines_in(
			packed.v[i].plain_at, plain.len - (size_t)packed.v[i].plain_at));
		ck_assert_uint_eq(written(), (size_t)packed.v[i].plain_at);
	}
	/* Nothing of it is wanted: the last but one, and the first. */
	damage(packed.v[0].at + packed.v[0].size / 2);
	ck_assert_int_eq(unpack_from(FIRST, &lost), 1);
	uint64_t in_first = lines_in(0, packed.v[0].plain_size);
	ck_assert_uint_gt(lost, in_first);
	packed_release(&packed);
	tear_down();
}
END_TEST

START_TEST(a_damaged_table_loses_all_and_a_missing_segment_is_an_error)
{
	uint64_t lost;
	struct stat st;
	set_up();
	ck_assert_int_eq(stat(path_of(FORM_PACKED), &st), 0);
	damage(st.st_size - 4);
	ck_assert_int_eq(unpack_from(FIRST + 5, &lost), 1);
	ck_assert_uint_eq(lost, RECORDS - 5);
	ck_assert_uint_eq(written(), 0);
	unlink(path_of(FORM_PACKED));
	ck_assert_int_eq(unpack_from(FIRST, &lost), -1);
	ck_assert_int_eq(errno, ENOENT);
	tear_down();
}
END_TEST

START_TEST(no_room_is_an_error)
{
	uint64_t lost;
	set_up();
	const struct unpack_range range = { FIRST, FIRST, NEXT };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(unpack_segment(dir, &range, full, &lost), -1);
	ck_assert_int_eq(errno, ENOSPC);
	close(full);
	tear_down();
}
END_TEST

UNIT_MAIN("unpack", it_begins_in_the_frame_of_what_is_wanted,
    a_damaged_frame_is_left_out_and_its_records_are_counted,
    a_damaged_table_loses_all_and_a_missing_segment_is_an_error, no_room_is_an_error)
