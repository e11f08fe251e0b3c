/* SPDX-License-Identifier: ISC */
/* How single directories of the table stand, for whoever asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/watch_priv.h"

enum fm_dir
fm_watch_dir(const struct fm_watch *w, const char *path)
{
	uint32_t dir =
	    w->gone ? DIRTAB_NONE : dirtab_lookup(&w->dirs, path, strlen(path));
	unsigned flags;

	if (dir == DIRTAB_NONE)
		return FM_DIR_UNKNOWN;
	flags = w->dirs.dirs[dir].flags;
	if (flags & DIR_FAILED)
		return FM_DIR_FAILED;
	if (flags & DIR_POLLED)
		return FM_DIR_POLLED;
	return w->dirs.dirs[dir].wd >= 0 ? FM_DIR_WATCHED : FM_DIR_UNKNOWN;
}

static int
tell_path(const struct dirtab *t, uint32_t dir, char *path, size_t size)
{
	size_t len = dirtab_path_len(t, dir), cut = len < size ? len : size - 1;
	char *whole = malloc(len + 1);

	if (whole == NULL)
		return -1;
	dirtab_path(t, dir, whole);
	memcpy(path, whole, cut);
	path[cut] = '\0';
	free(whole);
	return 0;
}

int
fm_watch_failed(const struct fm_watch *w, char *path, size_t size)
{
	if (w->failed == 0 || size == 0) {
		errno = ENOENT;
		return -1;
	}
	for (uint32_t i = 0; i < w->dirs.made; i++)
		if (!(w->dirs.dirs[i].flags & DIR_DEAD) &&
		    (w->dirs.dirs[i].flags & DIR_FAILED))
			return tell_path(&w->dirs, i, path, size);
	errno = ENOENT;
	return -1;
}
