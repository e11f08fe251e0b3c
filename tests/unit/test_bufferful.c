/* SPDX-License-Identifier: ISC */
#include "watcher/bufferful.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

enum what { MADE, WRITTEN, CHANGED, TOUCHED, REMOVED };

static struct bufferful bufferful;

static bool
repeats_below(uint32_t root, enum what what, const char *path, bool looks)
{
	static const enum fm_kind kinds[] = {
		[MADE] = FM_CREATED,
		[WRITTEN] = FM_WRITTEN,
		[CHANGED] = FM_WRITTEN,
		[TOUCHED] = FM_ATTRIB,
		[REMOVED] = FM_DELETED,
	};
	const struct fm_event event = {
		.kind = kinds[what],
		.path = path,
		.path_len = strlen(path),
		.modified = what == CHANGED,
	};

	return bufferful_repeats(&bufferful, root, &event, looks);
}

static bool
repeats(enum what what, const char *path)
{
	return repeats_below(0, what, path, true);
}

START_TEST(one_look_a_path_is_enough)
{
	ck_assert(!repeats(TOUCHED, "a"));
	ck_assert(repeats(TOUCHED, "a"));
	ck_assert(!repeats(TOUCHED, "b"));
	ck_assert(!repeats_below(1, TOUCHED, "a", true));
	bufferful_forget(&bufferful);
	ck_assert(!repeats(TOUCHED, "a"));
	bufferful_forget(&bufferful);
}
END_TEST

START_TEST(a_write_says_more_than_other_hints)
{
	ck_assert(!repeats(TOUCHED, "a"));
	ck_assert(!repeats(WRITTEN, "a"));
	ck_assert(!repeats(CHANGED, "a"));
	ck_assert(repeats(WRITTEN, "a"));
	ck_assert(repeats(CHANGED, "a"));
	bufferful_forget(&bufferful);
}
END_TEST

START_TEST(what_is_made_and_then_written_is_made_once)
{
	ck_assert(!repeats(MADE, "a"));
	ck_assert(repeats(CHANGED, "a"));
	ck_assert(repeats(WRITTEN, "a"));
	ck_assert(!repeats(REMOVED, "a"));
	bufferful_forget(&bufferful);
}
END_TEST

START_TEST(what_is_removed_made_and_removed_again_is_looked_at_again)
{
	ck_assert(!repeats(REMOVED, "a"));
	ck_assert(repeats(REMOVED, "a"));
	ck_assert(!repeats(MADE, "a"));
	ck_assert(!repeats(REMOVED, "a"));
	bufferful_forget(&bufferful);
}
END_TEST

START_TEST(who_does_not_look_is_told_of_each_turn)
{
	ck_assert(!repeats_below(0, MADE, "a", false));
	ck_assert(!repeats_below(0, REMOVED, "a", false));
	ck_assert(!repeats_below(0, MADE, "a", false));
	ck_assert(!repeats_below(0, REMOVED, "a", false));
	bufferful_forget(&bufferful);
	ck_assert(!repeats(MADE, "a"));
	ck_assert(!repeats(REMOVED, "a"));
	ck_assert(!repeats(MADE, "a"));
	bufferful_forget(&bufferful);
}
END_TEST

START_TEST(a_full_table_costs_looks_and_loses_none)
{
	char path[16];

	for (int i = 0; i < BUFFERFUL_SLOTS; i++) {
		snprintf(path, sizeof(path), "f%d", i);
		ck_assert(!repeats(TOUCHED, path));
	}
	ck_assert(repeats(TOUCHED, "f0"));
	ck_assert(!repeats(TOUCHED, path));
	bufferful_forget(&bufferful);
	ck_assert(!repeats(TOUCHED, "f0"));
	bufferful_forget(&bufferful);
}
END_TEST

UNIT_MAIN("bufferful", one_look_a_path_is_enough, a_write_says_more_than_other_hints,
    what_is_made_and_then_written_is_made_once,
    what_is_removed_made_and_removed_again_is_looked_at_again,
    who_does_not_look_is_told_of_each_turn, a_full_table_costs_looks_and_loses_none)
