/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watch/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

#define RENAMES_MAX 100 /* while one look is taken */

/* The directory as a path of its file system's mount; -1 with errno. */
static int
open_handle(struct fm_watch *w, const struct handle *handle)
{
	union handle_room room;
	int root, fd, error;

	if (path_set(w, &w->second, DIRTAB_ROOT, NULL, 0) == -1 ||
	    (root = ladder_open(w, &w->second, O_RDONLY)) == -1)
		return -1;
	room.head.handle_bytes = handle->len;
	room.head.handle_type = handle->type;
	memcpy(room.head.f_handle, handle->bytes, handle->len);
	fd = open_by_handle_at(root, &room.head, O_PATH | O_CLOEXEC);
	error = errno;
	close(root);
	errno = error;
	return fd;
}

bool
resolve_works(struct fm_watch *w)
{
	union handle_room room = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
	struct handle handle = { 0 };
	int mount, fd;

	if (path_set(w, &w->path, DIRTAB_ROOT, NULL, 0) == -1 ||
	    name_to_handle_at(AT_FDCWD, w->path.abs, &room.head, &mount, 0) == -1)
		return false;
	handle.type = (uint8_t)room.head.handle_type;
	handle.len = (uint8_t)room.head.handle_bytes;
	handle.bytes = room.head.f_handle;
	if ((fd = open_handle(w, &handle)) == -1)
		return false;
	close(fd);
	return true;
}

/* The path that fd has now; false where it cannot be told. */
static bool
read_path(int fd, char path[PATH_MAX])
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if ((len = readlink(link, path, PATH_MAX - 1)) == -1)
		return false;
	path[len] = '\0';
	return true;
}

/*
 * Below the root: the rest of its path, else NULL.  What was removed reads
 * "/path (deleted)", which may as well be a name: the link count tells.  What
 * is hidden by a mount is not at its path; what was renamed meanwhile has
 * another one, and is asked for that.
 */
static const char *
below_root(struct fm_watch *w, int fd, char path[PATH_MAX])
{
	char before[PATH_MAX] = "";
	struct stat here, there;

	for (int tries = 0; tries < RENAMES_MAX; tries++) {
		if (fstat(fd, &here) == -1 || here.st_nlink == 0 ||
		    here.st_dev != w->dev || !read_path(fd, path) ||
		    strncmp(path, w->prefix, w->prefix_len) != 0)
			return NULL;
		if (lstat(path, &there) == 0 && there.st_dev == here.st_dev &&
		    there.st_ino == here.st_ino)
			return path + w->prefix_len;
		if (strcmp(path, before) == 0)
			return NULL;
		memcpy(before, path, strlen(path) + 1);
	}
	return NULL;
}

static uint32_t
child_of(struct fm_watch *w, uint32_t dir, const char *name, size_t len)
{
	uint32_t child;

	if (path_set(w, &w->second, dir, name, len) == -1 ||
	    !tell_wanted(w, &w->second, true))
		return DIRTAB_NONE;
	child = dirtab_find(&w->dirs, dir, name, len);
	if (child != DIRTAB_NONE)
		return child;
	if ((child = dirtab_add(&w->dirs, dir, name, len)) != DIRTAB_NONE)
		w->dirs.dirs[child].flags |= DIR_LEARNED;
	else
		w->starved = true;
	return child;
}

/* The directory at a path below the root, and those on the way. */
static uint32_t
learn(struct fm_watch *w, const char *rel)
{
	uint32_t dir = DIRTAB_ROOT;

	while (*rel != '\0' && dir != DIRTAB_NONE) {
		size_t len = strcspn(rel, "/");
		dir = child_of(w, dir, rel, len);
		rel += len;
		rel += *rel == '/';
	}
	return dir;
}

/* The table has another directory there: it was replaced. */
static uint32_t
number(struct fm_watch *w, uint32_t dir, const struct handle *handle)
{
	int number;

	if (w->dirs.dirs[dir].wd >= 0) {
		tree_queue(w, dir, FM_SCAN_REPAIR | DIR_RECURSE, false);
		return DIRTAB_NONE;
	}
	number = handles_put(&w->fan->handles, handle);
	if (number != -1 && dirtab_set_wd(&w->dirs, dir, number) == 0)
		return dir;
	w->starved = true;
	return DIRTAB_NONE;
}

static bool
is_loss(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EPERM;
}

uint32_t
resolve_dir(struct fm_watch *w, const struct handle *handle)
{
	uint64_t hash = handle_hash(handle);
	uint64_t *slot = &w->fan->elsewhere[hash % RESOLVE_ELSEWHERE];
	uint32_t dir = DIRTAB_NONE;
	char path[PATH_MAX];
	const char *rel;
	int fd;

	if (*slot == hash)
		return DIRTAB_NONE;
	if ((fd = open_handle(w, handle)) == -1) {
		if (is_loss(errno))
			repair_all(w, FM_CAUSE_WATCH_FAILED, errno);
		return DIRTAB_NONE;
	}
	if ((rel = below_root(w, fd, path)) != NULL)
		dir = learn(w, rel);
	close(fd);
	if (dir != DIRTAB_NONE)
		return number(w, dir, handle);
	if (!w->starved)
		*slot = hash;
	return DIRTAB_NONE;
}
