/* SPDX-License-Identifier: ISC */

/*
 * Exercises inotify_feed and all that follows from a notification: the input
 * is what read(2) of an inotify descriptor might give, for a small tree whose
 * directories have the watches 1 to 15.  It polls, so nothing is watched or
 * listed; afterwards the table of directories must agree with itself.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/watch_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_event(void *ctx, const struct fm_event *event)
{
	size_t *told = ctx;

	assert(strlen(event->path) == event->path_len);
	assert(event->kind != FM_RENAMED || event->old_path != NULL);
	*told += event->path_len;
}

static void
plant(struct dirtab *t)
{
	dirtab_set_wd(t, DIRTAB_ROOT, 1);
	for (int wd = 2; wd < 16; wd++) {
		char name = (char)('a' + wd % 4);
		uint32_t parent = dirtab_by_wd(t, wd / 2);
		uint32_t dir = dirtab_find(t, parent, &name, 1);
		if (dir == DIRTAB_NONE)
			dir = dirtab_add(t, parent, &name, 1);
		assert(dir != DIRTAB_NONE);
		dirtab_set_wd(t, dir, wd);
	}
}

static void
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t told = 0;
	struct fm_options o = { .root = "/",
		.backend = FM_BACKEND_POLL,
		.on_event = on_event,
		.ctx = &told };
	struct fm_watch *w = fm_watch_new(&o);

	if (w == NULL)
		return 0;
	plant(&w->dirs);
	inotify_feed(w, data, size / 2);
	inotify_feed(w, data + size / 2, size - size / 2);
	check(&w->dirs);
	fm_watch_tick(w, INT64_MAX / 2);
	inotify_feed(w, data, size);
	check(&w->dirs);
	fm_watch_free(w);
	return 0;
}
