/* SPDX-License-Identifier: ISC */
#include "state/body.h"

#include <string.h>

#include "unit.h"

static const struct sig first = { SIG_FILE, 7, 3, 100, 100, 5 };
static const unsigned char one[CONTENT_SUM_RAW] = { 1 }, other[CONTENT_SUM_RAW] = { 2 };

static struct config
config_of(enum config_compare compare, bool ignore_metadata)
{
	return (struct config){ .compare = compare, .ignore_metadata = ignore_metadata };
}

/* Is what is seen, sig with sum, the state that was delivered, first with one? */
static bool
is_same(const struct config *config, const struct sig *sig, const unsigned char *sum)
{
	struct body delivered, seen;
	body_set(&delivered, &first, one);
	body_set(&seen, sig, sum);
	return body_is_same(config, &delivered, &seen);
}

START_TEST(what_makes_a_state_another_one)
{
	struct sig saved = first, ctime = first, mode = first, both = first;
	saved.mtime = saved.ctime = 200;
	ctime.ctime = 200;
	mode.ctime = 200;
	mode.meta = 6;
	both = saved;
	both.meta = 6;
	const struct {
		const struct sig *sig;
		bool hash, ignore, hash_ignore; /* the same with these options? */
	} table[] = {
		{ &saved, true, false, true },
		{ &ctime, false, true, true },
		{ &mode, false, true, true },
		{ &both, false, false, true },
	};
	const struct config stat = config_of(COMPARE_STAT, false),
			    hash = config_of(COMPARE_HASH, false),
			    ignore = config_of(COMPARE_STAT, true),
			    hash_ignore = config_of(COMPARE_HASH, true);
	for (size_t i = 0; i < COUNTOF(table); i++) {
		ck_assert(!is_same(&stat, table[i].sig, one));
		ck_assert_int_eq(is_same(&hash, table[i].sig, one), table[i].hash);
		ck_assert_int_eq(is_same(&ignore, table[i].sig, one), table[i].ignore);
		ck_assert_int_eq(
		    is_same(&hash_ignore, table[i].sig, one), table[i].hash_ignore);
	}
}
END_TEST

START_TEST(other_content_or_none_is_never_the_same)
{
	struct sig saved = first;
	saved.mtime = 200;
	for (int i = 0; i < 4; i++) {
		const struct config config = config_of(i & 1, i & 2);
		ck_assert(!is_same(&config, &saved, other));
		ck_assert(!is_same(&config, &saved, NULL));
		ck_assert(!is_same(&config, &first, other));
	}
}
END_TEST

START_TEST(what_was_delivered_without_a_checksum_is_never_the_same)
{
	const struct config config = config_of(COMPARE_HASH, true);
	struct body delivered, seen;
	body_set(&delivered, &first, NULL);
	body_set(&seen, &first, one);
	memcpy(delivered.sum, one, sizeof(one));
	ck_assert(!body_is_same(&config, &delivered, &seen));
}
END_TEST

START_TEST(content_is_looked_at_only_where_it_counts)
{
	const struct config stat = config_of(COMPARE_STAT, false),
			    hash = config_of(COMPARE_HASH, false),
			    ignore = config_of(COMPARE_STAT, true);
	ck_assert(!body_counts(&stat));
	ck_assert(body_counts(&hash));
	ck_assert(body_counts(&ignore));
}
END_TEST

UNIT_MAIN("body", what_makes_a_state_another_one, other_content_or_none_is_never_the_same,
    what_was_delivered_without_a_checksum_is_never_the_same,
    content_is_looked_at_only_where_it_counts)
