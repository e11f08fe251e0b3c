/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_FUZZ_WATCH_H
#define FILEMON_TESTS_FUZZ_WATCH_H

/*
 * A watch for what reads a kernel's queue: it polls, so that nothing is watched or
 * listed, and its small tree of directories is numbered 1 to 15.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/watch_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
on_event(void *ctx, const struct fm_event *event)
{
	size_t *told = ctx;

	assert(strlen(event->path) == event->path_len);
	assert(event->kind != FM_RENAMED || event->old_path != NULL);
	*told += event->path_len;
}

static inline struct fm_watch *
new_watch(size_t *told)
{
	struct fm_options o = {
		.root = "/", .backend = FM_BACKEND_POLL, .on_event = on_event, .ctx = told
	};

	return fm_watch_new(&o);
}

/* wds[i] is the number of directory i, whose parent is i / 2; [0] is not used. */
static inline void
plant(struct dirtab *t, const int wds[16])
{
	dirtab_set_wd(t, DIRTAB_ROOT, wds[1]);
	for (int i = 2; i < 16; i++) {
		char name = (char)('a' + i % 4);
		uint32_t parent = dirtab_by_wd(t, wds[i / 2]);
		uint32_t dir = dirtab_find(t, parent, &name, 1);
		if (dir == DIRTAB_NONE)
			dir = dirtab_add(t, parent, &name, 1);
		assert(dir != DIRTAB_NONE);
		dirtab_set_wd(t, dir, wds[i]);
	}
}

/* The table of directories agrees with itself. */
static inline void
check(const struct dirtab *t)
{
	char path[65536];

	for (uint32_t dir = 0; dir < t->made; dir++) {
		const struct dir *d = &t->dirs[dir];
		if (d->flags & DIR_DEAD)
			continue;
		assert(d->wd < 0 || dirtab_by_wd(t, d->wd) == dir);
		if (dirtab_top(t, dir) != DIRTAB_ROOT ||
		    dirtab_path_len(t, dir) > sizeof(path))
			continue;
		dirtab_path(t, dir, path);
		assert(dirtab_lookup(t, path, dirtab_path_len(t, dir)) == dir);
	}
}

#endif
