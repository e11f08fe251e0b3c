/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "watch/dirtab.h"

static uint32_t
add(struct dirtab *t, uint32_t parent, const char *name)
{
	uint32_t dir = dirtab_add(t, parent, name, strlen(name));

	ck_assert_uint_ne(dir, DIRTAB_NONE);
	return dir;
}

static uint32_t
look(const struct dirtab *t, const char *path)
{
	return dirtab_lookup(t, path, strlen(path));
}

static const char *
path(const struct dirtab *t, uint32_t dir)
{
	static char out[4096];
	size_t len = dirtab_path_len(t, dir);

	ck_assert_uint_lt(len, sizeof(out));
	dirtab_path(t, dir, out);
	out[len] = '\0';
	return out;
}

static int
move(struct dirtab *t, uint32_t dir, uint32_t parent, const char *name)
{
	return dirtab_move(t, dir, parent, name, strlen(name));
}

START_TEST(a_path_is_made_from_the_names_above)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), b = add(&t, a, "b\n\xff"),
		 c = add(&t, b, "c");
	ck_assert_str_eq(path(&t, DIRTAB_ROOT), "");
	ck_assert_str_eq(path(&t, c), "a/b\n\xff/c");
	ck_assert_uint_eq(look(&t, "a/b\n\xff/c"), c);
	ck_assert_uint_eq(look(&t, "a/b"), DIRTAB_NONE);
	ck_assert_uint_eq(look(&t, ""), DIRTAB_ROOT);
	ck_assert_uint_eq(dirtab_find(&t, a, "b", 1), DIRTAB_NONE);
	dirtab_release(&t);
}
END_TEST

START_TEST(a_renamed_directory_takes_all_below_along)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), ab = add(&t, DIRTAB_ROOT, "ab");
	uint32_t b = add(&t, a, "b"), below = add(&t, ab, "b");
	ck_assert_int_eq(move(&t, a, ab, "moved"), 0);
	ck_assert_str_eq(path(&t, b), "ab/moved/b");
	ck_assert_str_eq(path(&t, below), "ab/b");
	ck_assert_uint_eq(look(&t, "a"), DIRTAB_NONE);
	ck_assert_uint_eq(look(&t, "ab/moved/b"), b);
	dirtab_release(&t);
}
END_TEST

START_TEST(a_directory_cannot_be_moved_below_itself)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), b = add(&t, a, "b");
	ck_assert_int_eq(move(&t, a, b, "c"), -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(move(&t, a, a, "c"), -1);
	ck_assert_str_eq(path(&t, b), "a/b");
	dirtab_release(&t);
}
END_TEST

START_TEST(a_detached_directory_is_not_found_and_comes_back_with_all_below)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), b = add(&t, a, "b");
	ck_assert_int_eq(dirtab_set_wd(&t, b, 7), 0);
	uint64_t version = t.version;
	dirtab_detach(&t, a);
	ck_assert_uint_ne(t.version, version);
	ck_assert_uint_eq(look(&t, "a"), DIRTAB_NONE);
	ck_assert_uint_eq(dirtab_top(&t, b), a);
	ck_assert_uint_eq(dirtab_by_wd(&t, 7), b);
	uint32_t other = add(&t, DIRTAB_ROOT, "a");
	ck_assert_int_eq(move(&t, a, other, "x"), 0);
	ck_assert_uint_eq(look(&t, "a/x/b"), b);
	ck_assert_uint_eq(dirtab_top(&t, b), DIRTAB_ROOT);
	dirtab_release(&t);
}
END_TEST

START_TEST(a_watch_is_found_until_it_is_taken_away)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(
		    dirtab_set_wd(&t, add(&t, DIRTAB_ROOT, name), i * 64), 0);
	}
	for (int i = 0; i < 1000; i += 2)
		dirtab_set_wd(&t, dirtab_by_wd(&t, i * 64), -1);
	for (int i = 0; i < 1000; i++) {
		uint32_t dir = dirtab_by_wd(&t, i * 64);
		ck_assert(i % 2 ? t.dirs[dir].wd == i * 64 : dir == DIRTAB_NONE);
	}
	ck_assert_uint_eq(t.by_wd.used, 500);
	ck_assert_uint_eq(dirtab_by_wd(&t, -1), DIRTAB_NONE);
	dirtab_release(&t);
}
END_TEST

START_TEST(the_list_survives_removals_and_renames)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), b = add(&t, DIRTAB_ROOT, "b");
	uint32_t c = add(&t, DIRTAB_ROOT, "c");
	dirtab_queue(&t, a, false);
	dirtab_queue(&t, b, false);
	dirtab_queue(&t, b, false);
	dirtab_queue(&t, c, true);
	ck_assert_uint_eq(t.queued, 3);
	dirtab_remove(&t, b);
	ck_assert_uint_eq(t.queued, 2);
	uint32_t d = add(&t, DIRTAB_ROOT, "b"); /* must not come instead of b */
	ck_assert_int_eq(move(&t, a, c, "a"), 0);
	ck_assert_uint_eq(dirtab_take(&t), c);
	ck_assert_uint_eq(dirtab_take(&t), a);
	ck_assert_uint_eq(dirtab_take(&t), DIRTAB_NONE);
	ck_assert_uint_eq(t.queued, 0);
	dirtab_queue(&t, d, false);
	ck_assert_uint_eq(dirtab_take(&t), d);
	dirtab_release(&t);
}
END_TEST

START_TEST(one_may_come_after_another_that_waits)
{
	struct dirtab t;

	ck_assert_int_eq(dirtab_init(&t), 0);
	uint32_t a = add(&t, DIRTAB_ROOT, "a"), b = add(&t, DIRTAB_ROOT, "b");
	uint32_t c = add(&t, DIRTAB_ROOT, "c"), d = add(&t, DIRTAB_ROOT, "d");
	uint32_t e = add(&t, DIRTAB_ROOT, "e");
	dirtab_queue_after(&t, d, DIRTAB_NONE);
	dirtab_queue_after(&t, a, DIRTAB_NONE);
	dirtab_queue_after(&t, b, a);
	dirtab_remove(&t, b);
	dirtab_queue_after(&t, c, b);
	dirtab_queue_after(&t, e, d);
	dirtab_queue(&t, DIRTAB_ROOT, false);
	ck_assert_uint_eq(t.queued, 5);
	ck_assert_uint_eq(dirtab_take(&t), a);
	ck_assert_uint_eq(dirtab_take(&t), c);
	ck_assert_uint_eq(dirtab_take(&t), d);
	ck_assert_uint_eq(dirtab_take(&t), e);
	ck_assert_uint_eq(dirtab_take(&t), DIRTAB_ROOT);
	ck_assert_uint_eq(dirtab_take(&t), DIRTAB_NONE);
	dirtab_release(&t);
}
END_TEST

/* Against a list that is kept the slow way. */
START_TEST(random_changes_leave_the_table_right)
{
	enum { COUNT = 300, TURNS = 60000 };
	static struct {
		uint32_t dir, parent;
		char name[8];
		int wd;
	} known[COUNT];
	struct dirtab t;
	unsigned seed = 42, n = 0, wd = 1;

	ck_assert_int_eq(dirtab_init(&t), 0);
	for (int turn = 0; turn < TURNS; turn++) {
		unsigned i = (unsigned)rand_r(&seed) % COUNT,
			 p = (unsigned)rand_r(&seed) % COUNT;
		uint32_t parent = p < n ? known[p].dir : DIRTAB_ROOT;
		char name[8];
		snprintf(name, sizeof(name), "n%d", rand_r(&seed) % 200);
		bool is_free = dirtab_find(&t, parent, name, strlen(name)) == DIRTAB_NONE;
		if (i >= n && n < COUNT && is_free) {
			known[n].dir = add(&t, parent, name);
			known[n].parent = parent;
			known[n].wd = (int)wd++;
			memcpy(known[n].name, name, sizeof(name));
			ck_assert_int_eq(dirtab_set_wd(&t, known[n].dir, known[n].wd), 0);
			n++;
		} else if (i < n && turn % 3 == 0 &&
		    t.dirs[known[i].dir].child == DIRTAB_NONE) {
			dirtab_remove(&t, known[i].dir);
			known[i] = known[--n];
		} else if (i < n && is_free &&
		    move(&t, known[i].dir, parent, name) == 0) {
			known[i].parent = parent;
			memcpy(known[i].name, name, sizeof(name));
		}
	}
	ck_assert_uint_eq(t.live, n + 1);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(dirtab_by_wd(&t, known[i].wd), known[i].dir);
		ck_assert_uint_eq(look(&t, path(&t, known[i].dir)), known[i].dir);
		ck_assert_uint_eq(dirtab_find(&t, known[i].parent, known[i].name,
				      strlen(known[i].name)),
		    known[i].dir);
	}
	ck_assert_uint_lt(t.names_cap, 16384); /* the arena is compacted */
	dirtab_release(&t);
}
END_TEST

START_TEST(a_directory_costs_at_most_80_bytes)
{
	const unsigned counts[] = { 20000, 24577, 30000, 49200 };

	for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
		struct dirtab t;
		ck_assert_int_eq(dirtab_init(&t), 0);
		for (unsigned i = 0; i < counts[n]; i++) {
			char name[16];
			snprintf(name, sizeof(name), "dir%05u", i);
			uint32_t dir = add(&t, i == 0 ? DIRTAB_ROOT : i / 10, name);
			ck_assert_int_eq(dirtab_set_wd(&t, dir, (int)i + 1), 0);
		}
		ck_assert_uint_le(dirtab_memory(&t) / counts[n], 80);
		dirtab_release(&t);
	}
}
END_TEST

UNIT_MAIN("dirtab", a_path_is_made_from_the_names_above,
    a_renamed_directory_takes_all_below_along, a_directory_cannot_be_moved_below_itself,
    a_detached_directory_is_not_found_and_comes_back_with_all_below,
    a_watch_is_found_until_it_is_taken_away, the_list_survives_removals_and_renames,
    one_may_come_after_another_that_waits, random_changes_leave_the_table_right,
    a_directory_costs_at_most_80_bytes)
