/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_PATH_H
#define FILEMON_WATCH_PATH_H

/*
 * Paths of a watch: made from the table of directories.  The part for the
 * directory is kept, so that the next name in the same directory costs a copy of
 * the name.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct fm_watch;

struct path {
	char *abs; /* absolute, with its NUL */
	size_t len, cap;
	size_t dir_len; /* of abs up to the end of the directory */
	uint32_t dir;
	uint64_t version; /* of the table when dir_len was right; 0: never */
	size_t prefix_len;
};

/*
 * dir's path, with /name where name is not NULL.  -1 with ENOMEM, after which
 * everything will be repaired, or with ENOENT where dir is below a detached
 * directory.
 */
int path_set(
    struct fm_watch *, struct path *, uint32_t dir, const char *name, size_t len);
void path_release(struct path *);
/* The part relative to the root. */
const char *path_rel(const struct path *);
size_t path_rel_len(const struct path *);

/* lstat(2) of dir's place; uses the watch's second path. */
int path_stat(
    struct fm_watch *, uint32_t dir, const char *name, size_t len, struct stat *);

#endif
