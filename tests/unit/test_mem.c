/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1 /* whose heap is another, and which shadows all of it */
#else
#define HAS_SANITIZER 0
#endif

#define BLOCKS 8192
#define BLOCK 1000 /* bytes; small enough to be in the heap */

static int written = 1;		/* in a page that is of the file until it is written */
static int *pointer = &written; /* relocated */

/* Resident, of all mappings that are executable, or of all. */
static long
resident_kib(bool text)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512], flags[8];
	unsigned long from, to;
	bool counts = false;
	long n, sum = 0;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, flags) == 3)
			counts = !text || flags[2] == 'x';
		else if (counts && sscanf(line, "Rss: %ld", &n) == 1)
			sum += n;
	fclose(maps);
	return sum;
}

/* Leaves a hole in the heap: the last block is in use. */
static char *
make_hole(void)
{
	static char *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK);
		ck_assert_ptr_nonnull(blocks[i]);
		memset(blocks[i], 'x', BLOCK);
	}
	for (size_t i = 0; i + 1 < BLOCKS; i++)
		free(blocks[i]);
	return blocks[BLOCKS - 1];
}

START_TEST(what_is_free_in_the_heap_goes_back)
{
	char *last = make_hole();
	long before = resident_kib(false);

	mem_give_back();
	if (!HAS_SANITIZER)
		ck_assert_int_lt(resident_kib(false), before - BLOCKS * BLOCK / 1024 / 2);
	for (size_t i = 0; i < BLOCK; i++)
		ck_assert_int_eq(last[i], 'x');
	free(last);
}
END_TEST

/* Every page of what is executable and read from a file. */
static void
touch_text(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to, inode;
	char line[512], flags[8];

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, flags, &inode) !=
			4 ||
		    strncmp(flags, "r-x", 3) != 0 || inode == 0)
			continue;
		for (; from < to; from += 4096)
			(void)*(const volatile char *)from;
	}
	fclose(maps);
}

START_TEST(programs_and_libraries_leave_memory_and_go_on)
{
	long before;

	/* How much was there by itself depends on how the program is linked. */
	touch_text();
	before = resident_kib(true);
	mem_give_back();
	ck_assert_int_lt(resident_kib(true), before);
}
END_TEST

START_TEST(what_was_written_stays)
{
	written = 2;
	setenv("TEST_MEM", "kept", 1);
	mem_give_back();
	ck_assert_int_eq(*pointer, 2);
	ck_assert_str_eq(getenv("TEST_MEM"), "kept");
	mem_give_back();
	ck_assert_int_eq(getppid() > 0, 1);
}
END_TEST

UNIT_MAIN("mem", what_is_free_in_the_heap_goes_back,
    programs_and_libraries_leave_memory_and_go_on, what_was_written_stays)
