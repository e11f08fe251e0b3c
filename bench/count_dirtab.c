/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* A tree in the table of directories: made, asked for paths, moved about, removed. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/count.h"
#include "watch/dirtab.h"

#define DIRS 20000
#define FANOUT 32
#define MOVES 1000

static struct dirtab table;
static uint32_t dirs[DIRS];
static char names[DIRS][16];

static void
add_all(void)
{
	dirs[0] = DIRTAB_ROOT;
	for (int i = 1; i < DIRS; i++) {
		uint32_t parent = dirs[(i - 1) / FANOUT];
		dirs[i] = dirtab_add(&table, parent, names[i], strlen(names[i]));
		if (dirs[i] == DIRTAB_NONE || dirtab_set_wd(&table, dirs[i], i) == -1)
			errx(1, "no memory");
	}
}

/* As for one event in each directory. */
static void
ask_all(void)
{
	char path[256];

	for (int i = 1; i < DIRS; i++) {
		uint32_t dir = dirtab_by_wd(&table, i);
		size_t len = dirtab_path_len(&table, dir);
		dirtab_path(&table, dir, path);
		if (dirtab_lookup(&table, path, len) != dir)
			errx(1, "%.*s: another directory", (int)len, path);
	}
}

static void
move_some(void)
{
	for (int i = 0; i < MOVES; i++) {
		int which = DIRS - 1 - i;
		if (dirtab_move(&table, dirs[which], dirs[i], names[which],
			strlen(names[which])) == -1)
			err(1, "%s", names[which]);
	}
}

static void
remove_all(void)
{
	for (int i = DIRS - 1; i > 0; i--) {
		dirtab_set_wd(&table, dirs[i], -1);
		dirtab_remove(&table, dirs[i]);
	}
}

void
workload(void)
{
	add_all();
	ask_all();
	move_some();
	ask_all();
	remove_all();
}

int
main(void)
{
	if (dirtab_init(&table) == -1)
		err(1, NULL);
	for (int i = 0; i < DIRS; i++)
		snprintf(names[i], sizeof(names[i]), "dir-%06d", i);
	workload();
	dirtab_release(&table);
	return 0;
}
