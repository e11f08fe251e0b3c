/* SPDX-License-Identifier: ISC */

/*
 * Exercises inotify_feed and all that follows from a notification: the input
 * is what read(2) of an inotify descriptor might give, for a small tree whose
 * directories have the watches 1 to 15.
 */

#include "watch.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t told = 0;
	struct fm_watch *w = new_watch(&told);
	int wds[16];

	if (w == NULL)
		return 0;
	for (int i = 0; i < 16; i++)
		wds[i] = i;
	plant(&w->dirs, wds);
	inotify_feed(w, data, size / 2);
	inotify_feed(w, data + size / 2, size - size / 2);
	check(&w->dirs);
	fm_watch_tick(w, INT64_MAX / 2);
	inotify_feed(w, data, size);
	check(&w->dirs);
	fm_watch_free(w);
	return 0;
}
