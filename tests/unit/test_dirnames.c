/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* The names of a directory, in portions that are small here. */

#include "unit.h"
#include "watch/watch_priv.h"
#include "watch_fixture.h"

#define FILES 100
#define MOST 8

static void
start(struct fixture *f)
{
	fixture_init(f);
	make_dir(f, "d");
	/* 37 and 100 have no common divisor: all of them, in no order */
	for (int i = 0; i < FILES; i++) {
		char path[16];

		snprintf(path, sizeof(path), "d/%03d", i * 37 % FILES);
		make_file(f, path);
	}
}

/* All of it, one after the other; how many portions there were. */
static unsigned
take_all(struct dirnames *names, int fd, size_t buf_size, char got[][8], size_t *n)
{
	char buf[4096];
	unsigned portions = 0;
	int more;

	*n = 0;
	dirnames_begin(names);
	do {
		while ((more = dirnames_read(names, fd, buf, buf_size)) == 1)
			ck_assert(names->reading);
		ck_assert_int_eq(more, 0);
		ck_assert_uint_le(names->count, names->most);
		while (names->next < names->count && *n < 2 * FILES)
			strcpy(got[(*n)++], names->bytes + names->list[names->next++].at);
		portions++;
	} while (dirnames_again(names, fd) == 1);
	return portions;
}

static void
check_all(char got[][8], size_t n)
{
	char want[8];

	ck_assert_uint_eq(n, FILES);
	for (int i = 0; i < FILES; i++) {
		snprintf(want, sizeof(want), "%03d", i);
		ck_assert_str_eq(got[i], want);
	}
}

static int
open_dir(const struct fixture *f)
{
	int fd = open(at(f, "d"), O_RDONLY | O_DIRECTORY);

	ck_assert_int_ne(fd, -1);
	return fd;
}

START_TEST(what_fits_is_one_portion_in_order)
{
	struct fixture f;
	struct dirnames names = { .most = FILES, .bytes_most = 4 * FILES, .slice = 1000 };
	char got[2 * FILES][8];
	size_t n;
	int fd;

	start(&f);
	fd = open_dir(&f);
	ck_assert_uint_eq(take_all(&names, fd, 4096, got, &n), 1);
	check_all(got, n);
	close(fd);
	dirnames_release(&names);
	fixture_release(&f);
}
END_TEST

START_TEST(of_more_each_name_is_in_one_portion)
{
	struct fixture f;
	struct dirnames names = { .most = MOST, .bytes_most = 1000, .slice = 10 };
	char got[2 * FILES][8];
	size_t n;
	int fd;

	start(&f);
	fd = open_dir(&f);
	ck_assert_uint_ge(take_all(&names, fd, 256, got, &n), FILES / MOST);
	check_all(got, n);
	names.most = 1000; /* and where it is their length that is bounded */
	names.bytes_most = 20;
	lseek(fd, 0, SEEK_SET);
	ck_assert_uint_ge(take_all(&names, fd, 4096, got, &n), FILES * 4 / 24);
	check_all(got, n);
	ck_assert_uint_le(dirnames_memory(&names), 4096);
	close(fd);
	dirnames_release(&names);
	fixture_release(&f);
}
END_TEST

START_TEST(what_comes_and_goes_between_portions_harms_no_other)
{
	struct fixture f;
	unsigned listed = 0;

	start(&f);
	fixture_start(&f);
	forget_told(&f);
	f.w->list.names.most = MOST;
	f.w->list.names.slice = 10;
	fm_watch_scan(f.w, "d", false);
	while (fm_watch_step(f.w, 3)) {
		if (++listed == 4) {
			make_file(&f, "d/000a");
			make_file(&f, "d/099a");
			unlink(at(&f, "d/098"));
			rename(at(&f, "d/097"), at(&f, "d/000b"));
		}
	}
	drain(&f);
	ck_assert_uint_ge(count_told(&f, FM_LIST_ENTRY), FILES - 2);
	for (int i = 0; i < FILES; i++) {
		char path[16];

		snprintf(path, sizeof(path), "d/%03d", i);
		if (i != 97 && i != 98)
			CK_TOLD(&f, FM_LIST_ENTRY, path);
	}
	CK_TOLD(&f, FM_CREATED, "d/000a");
	CK_TOLD(&f, FM_CREATED, "d/099a");
	CK_TOLD(&f, FM_DELETED, "d/098");
	CK_TOLD(&f, FM_RENAMED, "d/000b");
	ck_assert_uint_eq(count_told(&f, FM_LIST_END), 1);
	fixture_release(&f);
}
END_TEST

START_TEST(one_that_goes_while_it_is_read_is_told_as_failed)
{
	struct fixture f;

	start(&f);
	fixture_start(&f);
	forget_told(&f);
	f.w->list.names.slice = 1;
	fm_watch_scan(f.w, "d", false);
	fm_watch_step(f.w, 1);
	ck_assert(f.w->list.names.reading);
	ck_assert_ptr_null(told(&f, FM_LIST_BEGIN, "d"));
	move_path(&f, "d", "e");
	drain(&f);
	CK_TOLD(&f, FM_LIST_FAILED, "d");
	CK_TOLD(&f, FM_LIST_END, "e");
	ck_assert_uint_eq(count_told(&f, FM_LIST_ENTRY), FILES);
	fixture_release(&f);
}
END_TEST

WATCH_MAIN("dirnames", 1, what_fits_is_one_portion_in_order,
    of_more_each_name_is_in_one_portion,
    what_comes_and_goes_between_portions_harms_no_other,
    one_that_goes_while_it_is_read_is_told_as_failed)
