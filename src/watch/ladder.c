/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/watch_priv.h"

/* The way down to a directory. */
struct way {
	const char *rest;	    /* the names still to be opened */
	uint32_t above[LADDER_MAX]; /* the directories just above it, its own first */
	size_t left;		    /* how many are to be opened */
	bool keep;		    /* have rungs on the way */
};

static void
drop_above(struct ladder *l, unsigned n)
{
	int error = errno;

	while (l->n > n)
		close(l->rungs[--l->n].fd);
	errno = error;
}

void
ladder_clear(struct ladder *l)
{
	drop_above(l, 0);
}

void
ladder_rest(struct fm_watch *w)
{
	if (w->ladder.n > 0 && !fm_watch_scanning(w))
		ladder_clear(&w->ladder);
}

/* Where a change may have left a number to another directory. */
static void
check_version(struct fm_watch *w)
{
	if (w->ladder.version != w->dirs.version)
		ladder_clear(&w->ladder);
	w->ladder.version = w->dirs.version;
}

static void
keep(struct fm_watch *w, uint32_t dir, int fd, bool sure)
{
	struct ladder *l = &w->ladder;

	check_version(w);
	if (l->n == LADDER_MAX) {
		close(l->rungs[0].fd);
		memmove(l->rungs, l->rungs + 1, sizeof(*l->rungs) * --l->n);
	}
	l->rungs[l->n].dir = dir;
	l->rungs[l->n].sure = sure;
	l->rungs[l->n++].fd = fd;
}

void
ladder_keep(struct fm_watch *w, uint32_t dir, int fd)
{
	keep(w, dir, fd, true);
}

/* The highest rung that is dir, counted from 1; 0: none. */
static unsigned
rung_of(const struct ladder *l, uint32_t dir)
{
	unsigned n = l->n;

	while (n > 0 && l->rungs[n - 1].dir != dir)
		n--;
	return n;
}

/* From the nearest rung above dir, and no rung is left above that. */
static void
find_way(struct fm_watch *w, const struct path *p, struct way *way)
{
	struct ladder *l = &w->ladder;
	uint32_t dir = p->dir;
	unsigned rung = 0;

	check_version(w);
	drop_above(l, rung_of(l, dir) > 0 ? rung_of(l, dir) - 1 : l->n);
	way->left = 0;
	way->rest = p->abs + p->dir_len;
	while (rung == 0 && dir != DIRTAB_ROOT) {
		way->rest -= w->dirs.dirs[dir].name_len + (way->left > 0);
		dir = w->dirs.dirs[dir].parent;
		if (way->left < LADDER_MAX)
			way->above[way->left] = dir;
		way->left++;
		rung = rung_of(l, dir);
	}
	drop_above(l, rung);
}

static int
open_dir(int at, const char *name, int flags)
{
	return openat(at, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What is at the root's path now may be another directory. */
static int
open_root(struct fm_watch *w, int flags)
{
	int fd = open_dir(AT_FDCWD, w->prefix, flags);
	struct stat st;

	if (fd == -1 ||
	    (fstat(fd, &st) == 0 && st.st_dev == w->dev && st.st_ino == w->ino))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

/* Opens the next name of the way in at. */
static int
open_next(struct way *way, int at, int flags)
{
	char name[NAME_MAX + 1];
	size_t len = strcspn(way->rest, "/");

	memcpy(name, way->rest, len);
	name[len] = '\0';
	way->rest += len + (way->rest[len] == '/');
	way->left--;
	return open_dir(at, name, way->left > 0 ? O_PATH : flags);
}

/* at, to which the way has led, is done with. */
static void
leave(struct fm_watch *w, const struct way *way, int at)
{
	int error = errno;

	if (way->keep && way->left < LADDER_MAX)
		keep(w, way->above[way->left], at, way->left == 0);
	else
		close(at);
	errno = error;
}

/* Is fd the directory that the table has as dir, for all that can be told? */
static bool
is_of_table(struct fm_watch *w, uint32_t dir, int fd)
{
	int own = w->dirs.dirs[dir].wd, wd;

	if (dir == DIRTAB_ROOT || own < 0 || w->no_proc)
		return true;
	wd = w->ops->watch_fd(w, fd, w->prefix);
	if (wd == -1) /* its own number would have taken no other watch */
		return errno != ENOSPC;
	if (dirtab_by_wd(&w->dirs, wd) == DIRTAB_NONE)
		w->ops->unwatch(w, wd);
	return wd == own || w->no_proc;
}

/* May the last name of the way be opened in at, which is the last rung perhaps? */
static bool
is_way_right(struct fm_watch *w, const struct way *way, int at, bool rung)
{
	struct ladder *l = &w->ladder;

	if (way->left > 1 || (rung && l->rungs[l->n - 1].sure))
		return true;
	if (!is_of_table(w, way->above[0], at)) {
		if (!rung)
			close(at);
		ladder_clear(l);
		errno = ENOENT;
		return false;
	}
	if (rung)
		l->rungs[l->n - 1].sure = true;
	return true;
}

static int
go(struct fm_watch *w, struct way *way, int flags)
{
	struct ladder *l = &w->ladder;
	bool rung = l->n > 0;
	int at = rung ? l->rungs[l->n - 1].fd : open_root(w, O_PATH), fd;

	while (at != -1 && way->left > 0) {
		if (!is_way_right(w, way, at, rung))
			return -1;
		fd = open_next(way, at, flags);
		if (!rung)
			leave(w, way, at);
		rung = false;
		at = fd;
	}
	return at;
}

int
ladder_open(struct fm_watch *w, const struct path *p, int flags)
{
	struct way way = { .keep = true };
	int fd;

	if (p->dir == DIRTAB_ROOT)
		return open_dir(AT_FDCWD, w->prefix, flags);
	find_way(w, p, &way);
	fd = go(w, &way, flags);
	if (fd != -1 || (errno != EMFILE && errno != ENFILE))
		return fd;
	ladder_clear(&w->ladder);
	find_way(w, p, &way);
	way.keep = false;
	return go(w, &way, flags);
}
