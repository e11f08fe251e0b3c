/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "git/gitstage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "unit.h"

#define OID_LEN 20
#define ENTRIES 5000 /* more than there are between two marks, and than a window */

static char dir[64];
static char path[128];

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_gitstage.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/index", dir);
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

static void
add32(struct buf *b, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_addc(b, (char)(value >> shift));
}

static void
add_entry(struct buf *b, unsigned version, unsigned i)
{
	size_t begin = b->len;
	char name[32];
	int len = snprintf(name, sizeof(name), "dir/file%06u", 2 * i);

	for (int word = 0; word < 9; word++)
		add32(b, word == 6 ? 0100644 : 0);
	add32(b, 10 + i);
	for (int byte = 0; byte < OID_LEN; byte++)
		buf_addc(b, 1);
	buf_addc(b, 0);
	buf_addc(b, (char)len);
	if (version == 4)
		buf_addc(b, i == 0 ? 0 : (char)len);
	buf_add(b, name, (size_t)len);
	do
		buf_addc(b, 0);
	while (version < 4 && (b->len - begin) % 8 != 0);
}

/* Of the even numbers; extension is nine bytes or NULL. */
static void
write_index(unsigned version, const char *extension)
{
	struct buf b = BUF_INIT;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	buf_adds(&b, "DIRC");
	add32(&b, version);
	add32(&b, ENTRIES);
	for (unsigned i = 0; i < ENTRIES; i++)
		add_entry(&b, version, i);
	if (extension != NULL) {
		buf_add(&b, extension, 4);
		add32(&b, 1);
		buf_addc(&b, 'x');
	}
	for (int byte = 0; byte < OID_LEN; byte++)
		buf_addc(&b, 2);
	ck_assert_int_eq(fd_write_all(fd, b.p, b.len), 0);
	close(fd);
	buf_release(&b);
}

static struct gitstage_answer
look(struct gitstage *stage, unsigned number, off_t size)
{
	const struct stat file = { .st_mode = 0100644, .st_size = size };
	char name[32];

	snprintf(name, sizeof(name), "dir/file%06u", number);
	return gitstage_look(stage, dir, OID_LEN, name, size == 0 ? NULL : &file);
}

static void
find_all(unsigned version)
{
	struct gitstage *stage = gitstage_new();

	write_index(version, "TREE");
	for (unsigned number = 0; number < 2 * ENTRIES; number += 7) {
		off_t size = 10 + (off_t)number / 2;
		struct gitstage_answer a = look(stage, number, size);

		ck_assert(a.known);
		ck_assert_int_eq(a.tracked, number % 2 == 0);
		if (a.tracked)
			a = look(stage, number, size + 1);
		ck_assert_int_eq(a.answer, GITINDEX_DIFFERS);
	}
	gitstage_free(stage);
}

START_TEST(every_path_is_found_and_no_other)
{
	set_up();
	find_all(2);
	find_all(3);
	find_all(4);
	tear_down();
}
END_TEST

START_TEST(what_is_neither_in_the_index_nor_in_the_tree_is_the_same)
{
	struct gitstage *stage = gitstage_new();
	struct gitstage_answer a;

	set_up();
	write_index(2, NULL);
	a = look(stage, 1, 0);
	ck_assert(a.known && !a.tracked);
	ck_assert_int_eq(a.answer, GITINDEX_SAME);
	a = look(stage, 2, 0);
	ck_assert(a.known && a.tracked);
	ck_assert_int_eq(a.answer, GITINDEX_DIFFERS);
	gitstage_free(stage);
	tear_down();
}
END_TEST

START_TEST(nothing_is_told_of_a_split_or_a_damaged_index)
{
	struct gitstage *stage = gitstage_new();

	set_up();
	write_index(2, "link");
	ck_assert(!look(stage, 2, 11).known);
	gitstage_forget(stage);
	write_index(2, NULL);
	ck_assert(look(stage, 2, 11).known);
	gitstage_forget(stage);
	ck_assert_int_eq(truncate(path, 5000), 0);
	ck_assert(!look(stage, 2, 11).known);
	gitstage_free(stage);
	tear_down();
}
END_TEST

START_TEST(nothing_is_told_while_git_is_at_work)
{
	struct gitstage *stage = gitstage_new();
	char lock[160];

	set_up();
	write_index(2, NULL);
	snprintf(lock, sizeof(lock), "%s/index.lock", dir);
	close(open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ck_assert(!look(stage, 2, 11).known);
	unlink(lock);
	ck_assert(look(stage, 2, 11).known);
	gitstage_free(stage);
	tear_down();
}
END_TEST

/* A FIFO would wait for a writer, and a link may lead to a device. */
START_TEST(only_a_file_is_opened)
{
	struct gitstage *stage = gitstage_new();

	set_up();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!look(stage, 2, 11).known);
	gitstage_forget(stage);
	unlink(path);
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
	ck_assert(!look(stage, 2, 11).known);
	gitstage_free(stage);
	tear_down();
}
END_TEST

UNIT_MAIN("gitstage", every_path_is_found_and_no_other,
    what_is_neither_in_the_index_nor_in_the_tree_is_the_same,
    nothing_is_told_of_a_split_or_a_damaged_index, nothing_is_told_while_git_is_at_work,
    only_a_file_is_opened)
