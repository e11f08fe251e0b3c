/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/entries.h"
#include "watch/watch_priv.h"

static struct dir *
get(struct fm_watch *w, uint32_t dir)
{
	return &w->dirs.dirs[dir];
}

static void
tell_listing(struct fm_watch *w, enum fm_kind kind, const struct stat *st, int error)
{
	const struct listing *l = &w->list;
	struct fm_event event = { .kind = kind, .scan = l->flags & DIR_SCAN };

	event.is_dir = true;
	event.st = st;
	event.error = error;
	event.repeated = kind == FM_LIST_FAILED && l->failed;
	tell_event(w, &event, l->told, l->told_len);
}

static void
stop(struct listing *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	l->dir = DIRTAB_NONE;
	dirnames_rest(&l->names);
}

void
listing_init(struct listing *l)
{
	*l = (struct listing){ .fd = -1, .dir = DIRTAB_NONE };
	l->names.most = DIRNAMES_MOST;
	l->names.bytes_most = DIRNAMES_BYTES_MOST;
	l->names.slice = DIRNAMES_SLICE;
}

void
listing_release(struct listing *l)
{
	stop(l);
	dirnames_release(&l->names);
	free(l->told);
	path_release(&l->path);
	listing_init(l);
}

size_t
listing_memory(const struct listing *l)
{
	return dirnames_memory(&l->names) + l->told_cap + l->path.cap;
}

/*
 * What follows when dir could not be listed; its place is kept.  Gone: its
 * parent shows whether it is, or whether a directory above was renamed and the
 * notification is still to come.
 */
static void
after_failure(struct fm_watch *w, uint32_t dir, int error)
{
	struct dir *d = get(w, dir);
	bool gone = error == ENOENT || error == ENOTDIR || error == ELOOP;
	bool again = d->flags & DIR_FAILED;
	bool scarce = error == EMFILE || error == ENFILE || error == ENOMEM;

	d->flags |= w->list.flags;
	if (gone && dir == DIRTAB_ROOT) {
		root_lost(w);
		return;
	}
	/* nobody above is watched who would say that the root may be read again */
	tree_failed(w, dir, scarce || (gone && again) || dir == DIRTAB_ROOT);
	if (gone && !again)
		tree_queue(w, d->parent, w->list.flags & DIR_SCAN, false);
}

static void
fail(struct fm_watch *w, int error)
{
	uint32_t dir = w->list.dir;

	stop(&w->list);
	tell_listing(w, FM_LIST_FAILED, NULL, error);
	if (dir != DIRTAB_NONE)
		after_failure(w, dir, error);
}

void
listing_abort(struct fm_watch *w, int error)
{
	if (w->list.fd == -1)
		return;
	stop(&w->list);
	tell_listing(w, FM_LIST_FAILED, NULL, error);
}

static int
set_told(struct listing *l)
{
	size_t len = path_rel_len(&l->path);

	if (len >= l->told_cap) {
		char *told = realloc(l->told, len + 256);
		if (told == NULL)
			return -1;
		l->told = told;
		l->told_cap = len + 256;
	}
	memcpy(l->told, path_rel(&l->path), len + 1);
	l->told_len = len;
	return 0;
}

/* The next directory that has a place, with its path; false where none is left. */
static bool
take_next(struct fm_watch *w)
{
	struct listing *l = &w->list;
	uint32_t dir;

	while ((dir = dirtab_take(&w->dirs)) != DIRTAB_NONE) {
		l->dir = dir;
		l->flags = get(w, dir)->flags & (DIR_SCAN | DIR_RECURSE);
		if (path_set(w, &l->path, dir, NULL, 0) == 0 && set_told(l) == 0) {
			l->failed = get(w, dir)->flags & DIR_FAILED;
			/* what failed may have been, before */
			l->postponed = backlog_leave(w, dir) || l->failed;
			get(w, dir)->flags &=
			    (uint16_t) ~(DIR_SCAN | DIR_RECURSE | DIR_LEARNED);
			return true;
		}
		if (errno == ENOENT)
			rename_missed(w, dirtab_top(&w->dirs, dir));
		else
			tree_failed(w, dir, true);
		l->dir = DIRTAB_NONE;
	}
	return false;
}

/* Is what was opened the directory to be listed?  If not, all is done. */
static bool
is_ours(struct fm_watch *w)
{
	struct listing *l = &w->list;
	const struct stat *st = &l->st;
	uint32_t dir = l->dir;

	if (dir == DIRTAB_ROOT) {
		if (st->st_dev == w->dev && st->st_ino == w->ino && fm_watch_root_same(w))
			return true;
		stop(l);
		root_lost(w);
		return false;
	}
	if (st->st_dev == w->dev || w->o.cross_filesystems)
		return true;
	stop(l);
	tree_forget(w, dir);
	return false;
}

static bool
begin(struct fm_watch *w)
{
	struct listing *l = &w->list;

	if (!take_next(w))
		return false;
	l->fd = ladder_open(w, &l->path, O_RDONLY);
	if (l->fd == -1 || fstat(l->fd, &l->st) == -1) {
		fail(w, errno);
		return false;
	}
	if (!is_ours(w))
		return false;
	/* The watch first: what appears after the reading is told by it. */
	if (tree_watch(w, l->dir, l->fd, &l->path) == -1) {
		fail(w, errno);
		return false;
	}
	entries_begin(w);
	dirnames_begin(&l->names);
	l->begun = false;
	l->version = w->dirs.version;
	return true;
}

/* The first names are known. */
static void
begin_telling(struct fm_watch *w)
{
	struct listing *l = &w->list;

	tree_clear_failed(w, l->dir);
	l->last = DIRTAB_NONE;
	l->begun = true;
	w->listed++;
	tell_listing(w, FM_LIST_BEGIN, &l->st, 0);
}

/* -1: errno; 0: more is to be read before something can be told. */
static int
read_slice(struct fm_watch *w)
{
	struct listing *l = &w->list;
	int more = dirnames_read(&l->names, l->fd, w->buf, WATCH_BUFFER);

	if (more != 0)
		return more == -1 ? -1 : 0;
	l->until = l->flags & FM_SCAN_FRESH ? w->read_bytes + w->ops->unread(w) : 0;
	if (!l->begun)
		begin_telling(w);
	return 1;
}

static void
finish(struct fm_watch *w)
{
	entries_end(w);
	if (get(w, w->list.dir)->child != DIRTAB_NONE) {
		ladder_keep(w, w->list.dir, w->list.fd);
		w->list.fd = -1;
	}
	stop(&w->list);
	tell_listing(w, FM_LIST_END, NULL, 0);
}

/*
 * Its end is told as failed, and it is listed again under the path it has then.  That
 * is looked up from the root: a rung leads to where the path may lead no more.
 */
static bool
begin_again(struct fm_watch *w)
{
	struct listing *l = &w->list;

	ladder_clear(&w->ladder);
	tree_queue(w, l->dir, l->flags, true);
	if (l->postponed)
		backlog_enter(w, l->dir);
	l->dir = DIRTAB_NONE;
	fail(w, ENOENT);
	return false;
}

/*
 * A listing in several slices has not shown what came meanwhile; whoever is
 * told its end looks there by path.  If that does not lead to the directory
 * any more, the rename is still in the kernel's queue.
 */
static bool
is_path_right(struct fm_watch *w)
{
	struct listing *l = &w->list;
	struct stat there, here;

	return path_stat(w, l->dir, NULL, 0, &there) == 0 && fstat(l->fd, &here) == 0 &&
	    there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* Is the directory still there, and under the path that was told? */
static bool
is_in_place(struct fm_watch *w)
{
	struct listing *l = &w->list;

	if (l->dir == DIRTAB_NONE) {
		fail(w, ENOENT);
		return false;
	}
	if (l->version == w->dirs.version)
		return true;
	l->version = w->dirs.version;
	if (path_set(w, &l->path, l->dir, NULL, 0) == 0) {
		if (path_rel_len(&l->path) == l->told_len &&
		    memcmp(path_rel(&l->path), l->told, l->told_len) == 0)
			return true;
	} else if (errno == ENOENT) {
		rename_missed(w, dirtab_top(&w->dirs, l->dir));
	}
	return begin_again(w);
}

/* 1: all of the directory is told. */
static int
go_on(struct fm_watch *w, unsigned max)
{
	struct listing *l = &w->list;
	int rc = l->names.reading ? read_slice(w) : 1;

	if (rc == 1)
		rc = entries_tell(w, max);
	if (rc != 1)
		return rc;
	rc = dirnames_again(&l->names, l->fd);
	return rc == -1 ? -1 : rc == 0;
}

void
listing_step(struct fm_watch *w, unsigned max)
{
	struct listing *l = &w->list;
	bool resumed = l->fd != -1;
	int rc;

	if (resumed ? !is_in_place(w) : !begin(w))
		return;
	rc = go_on(w, max);
	if (rc == -1)
		fail(w, errno);
	else if (rc == 1 && resumed && l->dir != DIRTAB_ROOT && !is_path_right(w))
		begin_again(w);
	else if (rc == 1)
		finish(w);
}
