/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
			/* what failed may have been, before */
			l->postponed =
			    backlog_leave(w, dir) || (get(w, dir)->flags & DIR_FAILED);
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

static void
mark_children(struct fm_watch *w, uint32_t dir)
{
	uint32_t child = get(w, dir)->child;

	for (; child != DIRTAB_NONE; child = get(w, child)->next)
		get(w, child)->flags |= DIR_UNSEEN;
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
	/* Before the first is told of that the reading may not show. */
	mark_children(w, l->dir);
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

/* What was found is listed next, in the order of the names. */
static void
queue_next(struct fm_watch *w, uint32_t child, unsigned flags)
{
	struct listing *l = &w->list;

	get(w, child)->flags |= (uint16_t)flags;
	if (get(w, child)->flags & DIR_QUEUED)
		return;
	dirtab_queue_after(&w->dirs, child, l->last);
	l->last = child;
}

/* st NULL: it is of the listed directory's file system. */
static int
found_dir(struct fm_watch *w, const char *name, size_t len, const struct stat *st)
{
	const struct listing *l = &w->list;
	unsigned scan = l->flags & DIR_SCAN;
	uint32_t child;

	if (st != NULL && st->st_dev != w->dev && !w->o.cross_filesystems)
		return 0;
	child = dirtab_find(&w->dirs, l->dir, name, len);
	if (child == DIRTAB_NONE || (get(w, child)->flags & DIR_LEARNED)) {
		if (child == DIRTAB_NONE &&
		    (child = dirtab_add(&w->dirs, l->dir, name, len)) == DIRTAB_NONE)
			return -1;
		get(w, child)->flags &= (uint16_t) ~(DIR_UNSEEN | DIR_LEARNED);
		/* What is below a learned one may be known. */
		queue_next(w, child,
		    scan & FM_SCAN_FRESH ? FM_SCAN_FRESH | (l->flags & DIR_RECURSE)
					 : l->flags);
		return 0;
	}
	get(w, child)->flags &= (uint16_t)~DIR_UNSEEN;
	if ((l->flags & DIR_RECURSE) || (get(w, child)->flags & DIR_FAILED))
		queue_next(w, child, l->flags);
	return 0;
}

/* Will the directory of this name be listed, too? */
static bool
is_next(const struct fm_watch *w, const struct dirname *entry)
{
	const struct listing *l = &w->list;
	uint32_t child;

	if (l->flags & DIR_RECURSE)
		return true;
	child = dirtab_find(&w->dirs, l->dir, l->names.bytes + entry->at, entry->len);
	return child == DIRTAB_NONE ||
	    (w->dirs.dirs[child].flags & (DIR_LEARNED | DIR_FAILED | DIR_QUEUED));
}

/*
 * May it be told by its name and type alone?  A directory is looked at where
 * opening it might lead to another file system, and have it mounted.
 */
static bool
is_name_enough(struct fm_watch *w, const struct dirname *entry)
{
	const struct path *path = &w->list.path;

	if ((w->list.flags & FM_SCAN_FRESH) || entry->type == DT_UNKNOWN)
		return false;
	if (entry->type != DT_DIR)
		return w->o.names_only;
	return w->o.bare_dirs && is_next(w, entry) &&
	    (w->o.cross_filesystems ||
		!mounts_may_be_at(w, path_rel(path), path_rel_len(path)));
}

static int
tell_name(struct fm_watch *w, const struct dirname *entry)
{
	struct path *path = &w->list.path;
	struct fm_event event = { .kind = FM_LIST_ENTRY };

	event.scan = w->list.flags & DIR_SCAN;
	event.is_dir = entry->type == DT_DIR;
	tell_event(w, &event, path_rel(path), path_rel_len(path));
	if (!event.is_dir)
		return 0;
	return found_dir(w, w->list.names.bytes + entry->at, entry->len, NULL);
}

static int
tell_entry(struct fm_watch *w, const struct dirname *entry)
{
	struct listing *l = &w->list;
	const char *name = l->names.bytes + entry->at;
	bool is_dir = entry->type == DT_DIR, asked = entry->type != DT_UNKNOWN;
	struct fm_event event = { .kind = FM_LIST_ENTRY, .scan = l->flags & DIR_SCAN };
	struct stat st;

	if (path_set(w, &l->path, l->dir, name, entry->len) == -1)
		return -1;
	if (asked && !tell_wanted(w, &l->path, is_dir))
		return 0;
	if (is_name_enough(w, entry))
		return tell_name(w, entry);
	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if ((!asked || is_dir != S_ISDIR(st.st_mode)) &&
	    !tell_wanted(w, &l->path, S_ISDIR(st.st_mode)))
		return 0;
	event.is_dir = S_ISDIR(st.st_mode);
	event.st = &st;
	event.modified =
	    l->postponed && !event.is_dir && backlog_hides(w, l->dir, name, entry->len);
	tell_event(w, &event, path_rel(&l->path), path_rel_len(&l->path));
	if (l->until > w->read_bytes && get(w, l->dir)->wd >= 0)
		fresh_add(&w->fresh, get(w, l->dir)->wd, name, entry->len, l->until);
	return event.is_dir ? found_dir(w, name, entry->len, &st) : 0;
}

static void
finish(struct fm_watch *w)
{
	uint32_t child = get(w, w->list.dir)->child, next;

	for (; child != DIRTAB_NONE; child = next) {
		next = get(w, child)->next;
		if (get(w, child)->flags & DIR_UNSEEN)
			tree_forget(w, child);
	}
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

/* 1: all of the portion is told; 0: not yet; -1: errno. */
static int
tell_slice(struct fm_watch *w, unsigned max)
{
	struct dirnames *names = &w->list.names;

	for (unsigned n = 0; names->next < names->count && (n < max || n == 0); n++)
		if (tell_entry(w, &names->list[names->next++]) == -1)
			return -1;
	return names->next == names->count;
}

/* 1: all of the directory is told. */
static int
go_on(struct fm_watch *w, unsigned max)
{
	struct listing *l = &w->list;
	int rc = l->names.reading ? read_slice(w) : 1;

	if (rc == 1)
		rc = tell_slice(w, max);
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
