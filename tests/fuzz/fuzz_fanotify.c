/* SPDX-License-Identifier: ISC */

/*
 * Exercises fanotify_feed and all that follows from an event: the input is
 * what read(2) of a fanotify descriptor might give, for a small tree whose
 * directories have the handles 1 to 15, four bytes long.  It polls, so nothing
 * is marked or listed; afterwards every directory must have its handle.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/fanotify_priv.h"
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
plant(struct fm_watch *w, struct fanotify *fan)
{
	struct dirtab *t = &w->dirs;
	int numbers[16] = { 0 };

	for (uint32_t i = 1; i < 16; i++) {
		struct handle handle = { .type = 1, .len = sizeof(i), .bytes = &i };
		char name = (char)('a' + i % 4);
		uint32_t dir = DIRTAB_ROOT, parent;
		numbers[i] = handles_put(&fan->handles, &handle);
		if (i > 1) {
			parent = dirtab_by_wd(t, numbers[i / 2]);
			dir = dirtab_find(t, parent, &name, 1);
			if (dir == DIRTAB_NONE)
				dir = dirtab_add(t, parent, &name, 1);
		}
		assert(dir != DIRTAB_NONE);
		dirtab_set_wd(t, dir, numbers[i]);
	}
}

static void
check(const struct dirtab *t)
{
	for (uint32_t dir = 0; dir < t->made; dir++)
		if (!(t->dirs[dir].flags & DIR_DEAD) && t->dirs[dir].wd >= 0)
			assert(dirtab_by_wd(t, t->dirs[dir].wd) == dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fanotify fan = { .fd = -1, .guard = -1, .n_fs = 1 };
	size_t told = 0;
	struct fm_options o = { .root = "/",
		.backend = FM_BACKEND_POLL,
		.on_event = on_event,
		.ctx = &told };
	struct fm_watch *w = fm_watch_new(&o);

	if (w == NULL)
		return 0;
	w->fan = &fan;
	plant(w, &fan);
	fanotify_feed(w, data, size / 2);
	fanotify_feed(w, data + size / 2, size - size / 2);
	check(&w->dirs);
	doubt_settle(w);
	fanotify_feed(w, data, size);
	check(&w->dirs);
	w->fan = NULL;
	fm_watch_free(w);
	handles_release(&fan.handles);
	return 0;
}
