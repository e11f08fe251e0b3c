/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_RENAME_H
#define FILEMON_WATCHER_RENAME_H

/*
 * A rename within the tree: the rows of the old path, and of all below it,
 * become rows of the new one, and handlers get both.  Of a directory the kernel
 * is believed; of a file too, unless there is something at its old path: then
 * both are looked at afresh.
 */

#include <stdbool.h>
#include <stddef.h>

struct watcher;
struct root;

struct rename_paths {
	const char *old_path;
	size_t old_len;
	const char *path;
	size_t len;
	bool is_dir;
};

void rename_take(struct watcher *, struct root *, const struct rename_paths *);

#endif
