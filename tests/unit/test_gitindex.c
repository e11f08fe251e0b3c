/* SPDX-License-Identifier: ISC */
#include "git/gitindex.h"

#include <string.h>

#include "unit.h"

enum { ASSUME_VALID = 0x8000, EXTENDED = 0x4000, STAGE = 0x1000 };
enum { SKIP_WORKTREE = 0x4000, INTENT_TO_ADD = 0x2000 };

#define FILE_MODE 0100644
#define NOW 1700000000

static unsigned char bytes[4096];
static size_t n_bytes;

static void
put32(uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		bytes[n_bytes++] = (unsigned char)(value >> shift);
}

static void
put_header(unsigned version, uint32_t entries)
{
	n_bytes = 0;
	memcpy(bytes, "DIRC", 4);
	n_bytes = 4;
	put32(version);
	put32(entries);
}

/* ctime, mtime, dev, ino, mode, uid, gid, size, object, flags. */
static void
put_fixed(unsigned flags, unsigned more)
{
	const uint32_t words[] = { NOW, 5, NOW, 6, 1, 77, FILE_MODE, 0, 0, 42 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put32(words[i]);
	memset(bytes + n_bytes, 0xaa, 20);
	n_bytes += 20;
	bytes[n_bytes++] = (unsigned char)(flags >> 8);
	bytes[n_bytes++] = (unsigned char)flags;
	if (flags & EXTENDED) {
		bytes[n_bytes++] = (unsigned char)(more >> 8);
		bytes[n_bytes++] = (unsigned char)more;
	}
}

static void
put_whole(const char *name, unsigned flags, unsigned more)
{
	size_t begin = n_bytes, len = strlen(name);

	put_fixed(flags | (unsigned)len, more);
	memcpy(bytes + n_bytes, name, len);
	n_bytes += len;
	do
		bytes[n_bytes++] = '\0';
	while ((n_bytes - begin) % 8 != 0);
}

static void
put_suffix(unsigned char strip, const char *rest)
{
	put_fixed(1, 0);
	bytes[n_bytes++] = strip;
	memcpy(bytes + n_bytes, rest, strlen(rest) + 1);
	n_bytes += strlen(rest) + 1;
}

/* The next entry of bytes, from *at on. */
static ssize_t
next(struct gitindex *index, size_t *at, struct gitindex_entry *entry)
{
	ssize_t n = gitindex_next(index, bytes + *at, n_bytes - *at, entry);

	if (n > 0)
		*at += (size_t)n;
	return n;
}

START_TEST(entries_come_one_after_the_other)
{
	struct gitindex_entry entry;
	struct gitindex index;
	size_t at = GITINDEX_HEADER;

	put_header(2, 2);
	put_whole("a", 0, 0);
	put_whole("d/longer", 0, 0);
	ck_assert(gitindex_begin(&index, bytes, 20));
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_str_eq(index.name, "a");
	ck_assert_uint_eq(entry.mtime_s, NOW);
	ck_assert_uint_eq(entry.mtime_ns, 6);
	ck_assert_uint_eq(entry.ctime_ns, 5);
	ck_assert_uint_eq(entry.ino, 77);
	ck_assert_uint_eq(entry.mode, FILE_MODE);
	ck_assert_uint_eq(entry.size, 42);
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_str_eq(index.name, "d/longer");
	ck_assert_uint_eq(index.left, 0);
	ck_assert_uint_eq(at, n_bytes);
}
END_TEST

START_TEST(names_of_version_4_go_on_from_the_one_before)
{
	struct gitindex_entry entry;
	struct gitindex index;
	size_t at = GITINDEX_HEADER;

	put_header(4, 3);
	put_suffix(0, "dir/a");
	put_suffix(1, "bc");
	put_suffix(6, "e");
	ck_assert(gitindex_begin(&index, bytes, 20));
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_str_eq(index.name, "dir/a");
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_str_eq(index.name, "dir/bc");
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_str_eq(index.name, "e");
}
END_TEST

START_TEST(a_name_cannot_lose_more_than_it_has)
{
	struct gitindex_entry entry;
	struct gitindex index;
	size_t at = GITINDEX_HEADER;

	put_header(4, 2);
	put_suffix(0, "a");
	put_suffix(2, "b");
	ck_assert(gitindex_begin(&index, bytes, 20));
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_int_eq(next(&index, &at, &entry), -1);
}
END_TEST

START_TEST(what_is_not_sorted_is_refused)
{
	struct gitindex_entry entry;
	struct gitindex index;
	size_t at = GITINDEX_HEADER;

	put_header(2, 2);
	put_whole("b", 0, 0);
	put_whole("a", 0, 0);
	ck_assert(gitindex_begin(&index, bytes, 20));
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert_int_eq(next(&index, &at, &entry), -1);
}
END_TEST

/* Read in pieces, an entry is asked for again with more bytes. */
START_TEST(part_of_an_entry_is_none_yet)
{
	struct gitindex_entry entry;
	struct gitindex index;

	put_header(2, 1);
	put_whole("name", 0, 0);
	for (size_t n = GITINDEX_HEADER; n < n_bytes; n++) {
		ck_assert(gitindex_begin(&index, bytes, 20));
		ck_assert_int_eq(gitindex_next(&index, bytes + GITINDEX_HEADER,
				     n - GITINDEX_HEADER, &entry),
		    0);
	}
}
END_TEST

START_TEST(other_versions_are_refused)
{
	struct gitindex index;

	put_header(1, 0);
	ck_assert(!gitindex_begin(&index, bytes, 20));
	put_header(5, 0);
	ck_assert(!gitindex_begin(&index, bytes, 20));
	put_header(2, 0);
	bytes[0] = 'X';
	ck_assert(!gitindex_begin(&index, bytes, 20));
}
END_TEST

START_TEST(flags_are_told)
{
	struct gitindex_entry entry;
	struct gitindex index;
	size_t at = GITINDEX_HEADER;

	put_header(3, 4);
	put_whole("a", STAGE, 0);
	put_whole("b", ASSUME_VALID, 0);
	put_whole("c", EXTENDED, SKIP_WORKTREE);
	put_whole("d", EXTENDED, INTENT_TO_ADD);
	ck_assert(gitindex_begin(&index, bytes, 20));
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert(entry.unmerged && !entry.assumed && !entry.intended);
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert(entry.assumed && !entry.unmerged);
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert(entry.assumed && !entry.intended);
	ck_assert_int_gt(next(&index, &at, &entry), 0);
	ck_assert(entry.intended && !entry.assumed);
}
END_TEST

START_TEST(only_names_with_a_capital_are_optional)
{
	ck_assert(gitindex_optional((const unsigned char *)"TREE"));
	ck_assert(!gitindex_optional((const unsigned char *)"link"));
	ck_assert(!gitindex_optional((const unsigned char *)"sdir"));
}
END_TEST

static const struct gitindex_entry noted = { NOW, 5, NOW, 6, 77, FILE_MODE, 42, false,
	false, false };

static struct stat
file_as_noted(void)
{
	return (struct stat){ .st_mode = FILE_MODE,
		.st_ino = 77,
		.st_size = 42,
		.st_ctim = { NOW, 5 },
		.st_mtim = { NOW, 6 } };
}

static const struct stat index_after = { .st_mtim = { NOW, 7 } };

START_TEST(a_file_is_the_same_where_nothing_differs)
{
	struct stat st = file_as_noted();

	ck_assert_int_eq(gitindex_compare(&noted, &st, &index_after), GITINDEX_SAME);
}
END_TEST

START_TEST(size_type_and_absence_differ)
{
	struct stat st = file_as_noted();

	ck_assert_int_eq(gitindex_compare(&noted, NULL, &index_after), GITINDEX_DIFFERS);
	st.st_size++;
	ck_assert_int_eq(gitindex_compare(&noted, &st, &index_after), GITINDEX_DIFFERS);
	st = file_as_noted();
	st.st_mode = S_IFLNK | 0777;
	ck_assert_int_eq(gitindex_compare(&noted, &st, &index_after), GITINDEX_DIFFERS);
}
END_TEST

START_TEST(times_inode_and_mode_tell_nothing)
{
	struct stat other[5];

	for (int i = 0; i < 5; i++)
		other[i] = file_as_noted();
	other[0].st_mtim.tv_nsec++;
	other[1].st_ctim.tv_nsec++;
	other[2].st_ino++;
	other[3].st_mode |= 0111;
	other[4].st_mtim.tv_sec++;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
		    gitindex_compare(&noted, &other[i], &index_after), GITINDEX_UNSURE);
}
END_TEST

START_TEST(a_file_as_young_as_the_index_is_not_told)
{
	const struct stat index = { .st_mtim = { NOW, 6 } };
	struct stat st = file_as_noted();

	ck_assert_int_eq(gitindex_compare(&noted, &st, &index), GITINDEX_UNSURE);
}
END_TEST

START_TEST(what_git_is_not_sure_of_is_not_told)
{
	struct gitindex_entry entry = noted;
	struct stat st = file_as_noted();

	entry.size = 0;
	ck_assert_int_eq(gitindex_compare(&entry, &st, &index_after), GITINDEX_UNSURE);
	entry = noted;
	entry.assumed = true;
	ck_assert_int_eq(gitindex_compare(&entry, NULL, &index_after), GITINDEX_UNSURE);
	entry = noted;
	entry.mode = 0160000; /* another repository */
	ck_assert_int_eq(gitindex_compare(&entry, &st, &index_after), GITINDEX_UNSURE);
}
END_TEST

START_TEST(conflicts_and_intentions_differ)
{
	struct gitindex_entry entry = noted;
	struct stat st = file_as_noted();

	entry.unmerged = true;
	ck_assert_int_eq(gitindex_compare(&entry, &st, &index_after), GITINDEX_DIFFERS);
	entry = noted;
	entry.intended = true;
	ck_assert_int_eq(gitindex_compare(&entry, &st, &index_after), GITINDEX_DIFFERS);
}
END_TEST

UNIT_MAIN("gitindex", entries_come_one_after_the_other,
    names_of_version_4_go_on_from_the_one_before, a_name_cannot_lose_more_than_it_has,
    what_is_not_sorted_is_refused, part_of_an_entry_is_none_yet,
    other_versions_are_refused, flags_are_told, only_names_with_a_capital_are_optional,
    a_file_is_the_same_where_nothing_differs, size_type_and_absence_differ,
    times_inode_and_mode_tell_nothing, a_file_as_young_as_the_index_is_not_told,
    what_git_is_not_sure_of_is_not_told, conflicts_and_intentions_differ)
