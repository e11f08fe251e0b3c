/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "state/recent.h"
#include "unit.h"

static struct recent recent;

static void
put(int64_t id, uint64_t key, int64_t sig)
{
	const struct recent_file file = { id, key, sig };

	recent_put(&recent, &file);
}

/* Of the file with this key; 0: it is not known. */
static int64_t
sig_of(uint64_t key)
{
	const struct recent_file *file = recent_find(&recent, key);

	return file == NULL ? 0 : file->sig;
}

START_TEST(a_file_is_known_by_its_directory_and_name)
{
	uint64_t key = recent_key(7, "a", 1);

	ck_assert_uint_ne(key, recent_key(7, "b", 1));
	ck_assert_uint_ne(key, recent_key(8, "a", 1));
	ck_assert_uint_ne(key, recent_key(7, "a\0", 2));
	ck_assert_int_eq(sig_of(key), 0);
	put(1, key, 11);
	ck_assert_int_eq(sig_of(key), 11);
	ck_assert_int_eq(recent_find(&recent, key)->id, 1);
	ck_assert_int_eq(sig_of(recent_key(7, "b", 1)), 0);
	recent_clear(&recent);
	ck_assert_int_eq(sig_of(key), 0);
}
END_TEST

START_TEST(what_is_updated_or_dropped_is_what_has_the_id)
{
	put(1, 100, 11);
	recent_update(&recent, 1, 12);
	recent_update(&recent, 1 + RECENT_FILES, 13);
	recent_drop(&recent, 1 + RECENT_FILES);
	ck_assert_int_eq(sig_of(100), 12);
	recent_drop(&recent, 1);
	ck_assert_int_eq(sig_of(100), 0);
	recent_update(&recent, 1, 14);
	ck_assert_int_eq(sig_of(100), 0);
	put(2, 100, 15); /* made again: another row */
	ck_assert_int_eq(sig_of(100), 15);
	recent_clear(&recent);
}
END_TEST

START_TEST(a_file_takes_the_place_of_another)
{
	put(1, 100, 11);
	put(1 + RECENT_FILES, 200, 12);
	ck_assert_int_eq(sig_of(100), 0);
	ck_assert_int_eq(sig_of(200), 12);
	put(1 + RECENT_FILES, 300, 13); /* renamed */
	ck_assert_int_eq(sig_of(200), 0);
	ck_assert_int_eq(sig_of(300), 13);
	recent_clear(&recent);
}
END_TEST

START_TEST(of_keys_that_share_their_slots_the_last_is_known)
{
	const uint64_t apart = RECENT_SLOTS / RECENT_WAYS;
	int known = 0;

	for (int64_t i = 1; i <= 2 * RECENT_WAYS; i++) {
		put(i, (uint64_t)i * apart, i);
		ck_assert_int_eq(sig_of((uint64_t)i * apart), i);
	}
	for (int64_t i = 1; i <= 2 * RECENT_WAYS; i++)
		known += sig_of((uint64_t)i * apart) == i;
	ck_assert_int_eq(known, RECENT_WAYS);
	put(1, apart, 99); /* what had lost its slot gets one again */
	ck_assert_int_eq(sig_of(apart), 99);
	recent_clear(&recent);
}
END_TEST

START_TEST(most_of_as_many_as_there_is_room_for_are_known)
{
	char name[16];
	int known = 0;

	for (int64_t i = 1; i <= RECENT_FILES; i++) {
		snprintf(name, sizeof(name), "f%06d", (int)i);
		put(i, recent_key(i / 8, name, strlen(name)), i);
	}
	for (int64_t i = 1; i <= RECENT_FILES; i++) {
		snprintf(name, sizeof(name), "f%06d", (int)i);
		known += sig_of(recent_key(i / 8, name, strlen(name))) == i;
	}
	ck_assert_int_gt(known, RECENT_FILES * 9 / 10);
	recent_clear(&recent);
}
END_TEST

UNIT_MAIN("recent", a_file_is_known_by_its_directory_and_name,
    what_is_updated_or_dropped_is_what_has_the_id, a_file_takes_the_place_of_another,
    of_keys_that_share_their_slots_the_last_is_known,
    most_of_as_many_as_there_is_room_for_are_known)
