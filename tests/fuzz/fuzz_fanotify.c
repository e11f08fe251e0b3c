/* SPDX-License-Identifier: ISC */

/*
 * Exercises fanotify_feed and all that follows from an event: the input is
 * what read(2) of a fanotify descriptor might give, for a small tree whose
 * directories have the handles 1 to 15, four bytes long.
 */

#include "watch.h"

#include "watch/fanotify_priv.h"

static void
plant_handles(struct fm_watch *w, struct fanotify *fan)
{
	int numbers[16] = { 0 };

	for (uint32_t i = 1; i < 16; i++) {
		struct handle handle = { .type = 1, .len = sizeof(i), .bytes = &i };
		numbers[i] = handles_put(&fan->handles, &handle);
	}
	plant(&w->dirs, numbers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fanotify fan = { .fd = -1, .guard = -1, .n_fs = 1 };
	size_t told = 0;
	struct fm_watch *w = new_watch(&told);

	if (w == NULL)
		return 0;
	w->fan = &fan;
	plant_handles(w, &fan);
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
