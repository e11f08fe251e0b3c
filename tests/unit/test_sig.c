/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "state/sig.h"
#include "unit.h"

static struct stat
a_stat(mode_t mode)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	st.st_mode = mode;
	st.st_ino = 7;
	st.st_size = 100;
	st.st_nlink = 1;
	st.st_mtim.tv_sec = 1000;
	st.st_ctim.tv_sec = 1000;
	return st;
}

static enum sig_change
change_of(const struct stat *from, const struct stat *to)
{
	struct sig a, b;

	sig_from_stat(&a, from);
	sig_from_stat(&b, to);
	return sig_compare(&a, &b);
}

START_TEST(the_same_stat_is_the_same_signature)
{
	struct stat st = a_stat(S_IFREG | 0644);
	struct sig a, b;

	sig_from_stat(&a, &st);
	sig_from_stat(&b, &st);
	ck_assert_int_eq(sig_compare(&a, &b), SIG_SAME);
	ck_assert_int_eq(sig_hash(&a), sig_hash(&b));
	ck_assert_int_ne(sig_hash(&a), 0);
}
END_TEST

START_TEST(old_times_put_back_do_not_hide_a_rewrite)
{
	struct stat from = a_stat(S_IFREG | 0644), to = from;

	to.st_ctim.tv_nsec = 1;
	ck_assert_int_eq(change_of(&from, &to), SIG_EXTENDED);
}
END_TEST

START_TEST(each_kind_of_change_has_its_name)
{
	struct stat from = a_stat(S_IFREG | 0644), to = from;

	to.st_mode = S_IFREG | 0600;
	ck_assert_int_eq(change_of(&from, &to), SIG_METADATA);
	to = from;
	to.st_nlink = 2;
	ck_assert_int_eq(change_of(&from, &to), SIG_METADATA);
	to = from;
	to.st_size++;
	ck_assert_int_eq(change_of(&from, &to), SIG_CONTENT);
	to = from;
	to.st_mtim.tv_nsec = 1;
	ck_assert_int_eq(change_of(&from, &to), SIG_CONTENT);
	to = from;
	to.st_ino++;
	ck_assert_int_eq(change_of(&from, &to), SIG_CONTENT);
	to = a_stat(S_IFLNK | 0777);
	ck_assert_int_eq(change_of(&from, &to), SIG_CONTENT);
}
END_TEST

START_TEST(times_and_links_of_a_directory_do_not_count)
{
	struct stat from = a_stat(S_IFDIR | 0755), to = from;

	to.st_mtim.tv_sec++;
	to.st_ctim.tv_sec++;
	to.st_nlink++;
	to.st_size += 4096;
	ck_assert_int_eq(change_of(&from, &to), SIG_SAME);
	to.st_mode = S_IFDIR | 0700;
	ck_assert_int_eq(change_of(&from, &to), SIG_METADATA);
}
END_TEST

START_TEST(a_renamed_file_is_known_again_though_its_ctime_changed)
{
	struct stat from = a_stat(S_IFREG | 0644), to = from;
	struct sig a, b;

	to.st_ctim.tv_sec++;
	sig_from_stat(&a, &from);
	sig_from_stat(&b, &to);
	ck_assert(sig_moved(&a, &b));
	b.mtime++;
	ck_assert(!sig_moved(&a, &b));
	a.ino = b.ino = 0;
	b.mtime--;
	ck_assert(!sig_moved(&a, &b));
}
END_TEST

UNIT_MAIN("sig", the_same_stat_is_the_same_signature,
    old_times_put_back_do_not_hide_a_rewrite, each_kind_of_change_has_its_name,
    times_and_links_of_a_directory_do_not_count,
    a_renamed_file_is_known_again_though_its_ctime_changed)
