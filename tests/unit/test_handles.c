/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "unit.h"
#include "watch/handles.h"

static int
put(struct handles *t, unsigned fs, uint32_t value, size_t len)
{
	unsigned char bytes[128] = { 0 };

	memcpy(bytes, &value, sizeof(value));
	return handles_put(t, &(struct handle){ (uint8_t)fs, 1, (uint8_t)len, bytes });
}

static int
find(const struct handles *t, unsigned fs, uint32_t value, size_t len)
{
	unsigned char bytes[128] = { 0 };

	memcpy(bytes, &value, sizeof(value));
	return handles_find(t, &(struct handle){ (uint8_t)fs, 1, (uint8_t)len, bytes });
}

START_TEST(the_same_handle_has_the_same_number)
{
	struct handles t = { 0 };
	int a, b;

	ck_assert_int_eq(find(&t, 0, 7, 8), -1);
	a = put(&t, 0, 7, 8);
	b = put(&t, 1, 7, 8);
	ck_assert_int_ne(a, b);
	ck_assert_int_eq(put(&t, 0, 7, 8), a);
	ck_assert_int_eq(find(&t, 1, 7, 8), b);
	ck_assert_int_eq(find(&t, 0, 7, 12), -1);
	handles_release(&t);
}
END_TEST

START_TEST(a_longer_handle_makes_room_for_itself)
{
	struct handles t = { 0 };
	int a = put(&t, 0, 1, 8), b = put(&t, 0, 1, 128);

	ck_assert_int_ge(a, 0);
	ck_assert_int_ge(b, 0);
	ck_assert_int_eq(find(&t, 0, 1, 8), a);
	ck_assert_int_eq(find(&t, 0, 1, 128), b);
	handles_release(&t);
}
END_TEST

START_TEST(what_is_dropped_is_gone_and_the_others_stay)
{
	enum { N = 5000 };
	struct handles t = { 0 };
	int numbers[N];
	size_t memory;

	for (uint32_t i = 0; i < N; i++)
		numbers[i] = put(&t, 0, i, 8);
	memory = handles_memory(&t);
	for (uint32_t i = 0; i < N; i += 2)
		handles_drop(&t, numbers[i]);
	ck_assert_uint_eq(t.live, N / 2);
	for (uint32_t i = 0; i < N; i++)
		ck_assert_int_eq(find(&t, 0, i, 8), i % 2 ? numbers[i] : -1);
	for (uint32_t i = 0; i < N; i += 2)
		ck_assert_int_ge(put(&t, 0, N + i, 8), 0);
	ck_assert_uint_eq(handles_memory(&t), memory);
	handles_release(&t);
}
END_TEST

UNIT_MAIN("handles", the_same_handle_has_the_same_number,
    a_longer_handle_makes_room_for_itself, what_is_dropped_is_gone_and_the_others_stay)
