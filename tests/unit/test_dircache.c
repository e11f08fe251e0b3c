/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "watcher/dircache.h"

static struct dircache cache;

static int64_t
id_of(const char *path)
{
	struct dircache_entry *entry = dircache_find(&cache, path, strlen(path));
	return entry == NULL ? 0 : entry->id;
}

static void
put(const char *path, int64_t id)
{
	dircache_put(&cache, path, strlen(path), id);
}

START_TEST(what_was_put_is_found_and_nothing_else)
{
	ck_assert_int_eq(id_of("a/b"), 0);
	put("a/b", 7);
	put("a", 8);
	ck_assert_int_eq(id_of("a/b"), 7);
	ck_assert_int_eq(id_of("a"), 8);
	ck_assert_int_eq(id_of("a/"), 0);
	ck_assert_int_eq(id_of("b"), 0);
	dircache_clear(&cache);
	ck_assert_int_eq(id_of("a"), 0);
}
END_TEST

START_TEST(a_path_has_one_entry)
{
	put("a", 7);
	dircache_find(&cache, "a", 1)->present = true;
	put("a", 8);
	ck_assert_int_eq(id_of("a"), 8);
	ck_assert(!dircache_find(&cache, "a", 1)->present);
	dircache_drop(&cache, 8);
	ck_assert_int_eq(id_of("a"), 0);
}
END_TEST

START_TEST(a_dropped_id_takes_no_other_with_it)
{
	put("a", 7);
	put("b", 8);
	dircache_drop(&cache, 7);
	ck_assert_int_eq(id_of("a"), 0);
	ck_assert_int_eq(id_of("b"), 8);
	dircache_clear(&cache);
}
END_TEST

START_TEST(an_entry_is_found_by_its_row)
{
	ck_assert_ptr_null(dircache_by_id(&cache, 7));
	put("a/b", 7);
	ck_assert_int_eq(dircache_by_id(&cache, 7)->len, 3);
	ck_assert_mem_eq(dircache_by_id(&cache, 7)->path, "a/b", 3);
	put("a/b", 8); /* the path has another row now */
	ck_assert_ptr_null(dircache_by_id(&cache, 7));
	ck_assert_mem_eq(dircache_by_id(&cache, 8)->path, "a/b", 3);
	dircache_drop(&cache, 8);
	ck_assert_ptr_null(dircache_by_id(&cache, 8));
}
END_TEST

START_TEST(more_than_fit_push_others_out)
{
	char path[32];
	int found = 0;

	for (int i = 1; i <= 4 * DIRCACHE_SLOTS; i++) {
		snprintf(path, sizeof(path), "dir-%d", i);
		put(path, i);
		ck_assert_int_eq(id_of(path), i);
	}
	for (int i = 1; i <= 4 * DIRCACHE_SLOTS; i++) {
		snprintf(path, sizeof(path), "dir-%d", i);
		found += id_of(path) == i;
	}
	ck_assert_int_le(found, DIRCACHE_SLOTS);
	ck_assert_int_gt(found, DIRCACHE_SLOTS / 2);
	dircache_clear(&cache);
}
END_TEST

START_TEST(a_long_path_is_not_kept)
{
	char path[DIRCACHE_PATH_MAX + 2];

	memset(path, 'x', sizeof(path));
	dircache_put(&cache, path, DIRCACHE_PATH_MAX + 1, 7);
	ck_assert_ptr_null(dircache_find(&cache, path, DIRCACHE_PATH_MAX + 1));
	dircache_put(&cache, path, DIRCACHE_PATH_MAX, 7);
	ck_assert_ptr_nonnull(dircache_find(&cache, path, DIRCACHE_PATH_MAX));
	dircache_clear(&cache);
}
END_TEST

UNIT_MAIN("dircache", what_was_put_is_found_and_nothing_else, a_path_has_one_entry,
    a_dropped_id_takes_no_other_with_it, an_entry_is_found_by_its_row,
    more_than_fit_push_others_out, a_long_path_is_not_kept)
