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

/* Room for names that is kept between listings. */
#define NAMES_KEEP 4096
#define BYTES_KEEP 65536

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
	l->count = l->next = l->bytes_len = 0;
	if (l->names_cap > NAMES_KEEP || l->bytes_cap > BYTES_KEEP) {
		free(l->names);
		free(l->bytes);
		l->names = NULL;
		l->bytes = NULL;
		l->names_cap = l->bytes_cap = 0;
	}
}

void
listing_release(struct listing *l)
{
	stop(l);
	free(l->names);
	free(l->bytes);
	free(l->told);
	path_release(&l->path);
	*l = (struct listing){ .fd = -1, .dir = DIRTAB_NONE };
}

size_t
listing_memory(const struct listing *l)
{
	return l->names_cap * sizeof(*l->names) + l->bytes_cap + l->told_cap +
	    l->path.cap;
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
	tree_failed(w, dir, scarce || (gone && again));
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
add_name(struct listing *l, const struct dirent64 *entry)
{
	size_t len = strlen(entry->d_name);

	if (l->count == l->names_cap) {
		size_t cap = l->names_cap * 2 + 64;
		void *names = realloc(l->names, cap * sizeof(*l->names));
		if (names == NULL)
			return -1;
		l->names = names;
		l->names_cap = cap;
	}
	if (l->bytes_len + len + 1 > l->bytes_cap) {
		size_t cap = l->bytes_cap * 2 + 1024;
		char *bytes = cap > UINT32_MAX ? NULL : realloc(l->bytes, cap);
		if (bytes == NULL) {
			errno = ENOMEM;
			return -1;
		}
		l->bytes = bytes;
		l->bytes_cap = cap;
	}
	l->names[l->count++] =
	    (struct listing_name){ (uint32_t)l->bytes_len, (uint8_t)len, entry->d_type };
	memcpy(l->bytes + l->bytes_len, entry->d_name, len + 1);
	l->bytes_len += len + 1;
	return 0;
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int
read_names(struct fm_watch *w)
{
	struct listing *l = &w->list;
	ssize_t n;

	while ((n = getdents64(l->fd, w->buf, sizeof(w->buf))) > 0) {
		for (char *p = w->buf; p < w->buf + n;) {
			const struct dirent64 *entry = (const void *)p;
			p += entry->d_reclen;
			if (!is_dots(entry->d_name) && add_name(l, entry) == -1)
				return -1;
		}
	}
	return (int)n;
}

/* strcmp compares bytes as memcmp does, and names have no NUL. */
static int
compare_names(const void *a, const void *b, void *bytes)
{
	const struct listing_name *x = a, *y = b;

	return strcmp((const char *)bytes + x->at, (const char *)bytes + y->at);
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
		l->postponed = backlog_leave(w, dir);
		l->dir = dir;
		l->flags = get(w, dir)->flags & (DIR_SCAN | DIR_RECURSE);
		if (path_set(w, &l->path, dir, NULL, 0) == 0 && set_told(l) == 0) {
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
is_ours(struct fm_watch *w, const struct stat *st)
{
	struct listing *l = &w->list;
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
	struct stat st;

	if (!take_next(w))
		return false;
	l->fd = ladder_open(w, &l->path, O_RDONLY);
	if (l->fd == -1 || fstat(l->fd, &st) == -1) {
		fail(w, errno);
		return false;
	}
	if (!is_ours(w, &st))
		return false;
	/* The watch first: what appears after the reading is told by it. */
	if (tree_watch(w, l->dir, l->fd, &l->path) == -1 || read_names(w) == -1) {
		fail(w, errno);
		return false;
	}
	l->until = l->flags & FM_SCAN_FRESH ? w->read_bytes + w->ops->unread(w) : 0;
	if (l->count > 1)
		qsort_r(l->names, l->count, sizeof(*l->names), compare_names, l->bytes);
	tree_clear_failed(w, l->dir);
	mark_children(w, l->dir);
	l->last = DIRTAB_NONE;
	l->version = w->dirs.version;
	w->listed++;
	tell_listing(w, FM_LIST_BEGIN, &st, 0);
	return true;
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
		queue_next(w, child, scan & FM_SCAN_FRESH ? FM_SCAN_FRESH : l->flags);
		return 0;
	}
	get(w, child)->flags &= (uint16_t)~DIR_UNSEEN;
	if ((l->flags & DIR_RECURSE) || (get(w, child)->flags & DIR_FAILED))
		queue_next(w, child, l->flags);
	return 0;
}

/* Will the directory of this name be listed, too? */
static bool
is_next(const struct fm_watch *w, const struct listing_name *entry)
{
	const struct listing *l = &w->list;
	uint32_t child;

	if (l->flags & DIR_RECURSE)
		return true;
	child = dirtab_find(&w->dirs, l->dir, l->bytes + entry->at, entry->len);
	return child == DIRTAB_NONE ||
	    (w->dirs.dirs[child].flags & (DIR_LEARNED | DIR_FAILED | DIR_QUEUED));
}

/*
 * May it be told by its name and type alone?  A directory is looked at where
 * opening it might lead to another file system, and have it mounted.
 */
static bool
is_name_enough(struct fm_watch *w, const struct listing_name *entry)
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
tell_name(struct fm_watch *w, const struct listing_name *entry)
{
	struct path *path = &w->list.path;
	struct fm_event event = { .kind = FM_LIST_ENTRY };

	event.scan = w->list.flags & DIR_SCAN;
	event.is_dir = entry->type == DT_DIR;
	tell_event(w, &event, path_rel(path), path_rel_len(path));
	if (!event.is_dir)
		return 0;
	return found_dir(w, w->list.bytes + entry->at, entry->len, NULL);
}

static int
tell_entry(struct fm_watch *w, const struct listing_name *entry)
{
	struct listing *l = &w->list;
	const char *name = l->bytes + entry->at;
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

/* Its end is told as failed, and it is listed again under the path it has then. */
static bool
begin_again(struct fm_watch *w)
{
	struct listing *l = &w->list;

	tree_queue(w, l->dir, l->flags, true);
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

void
listing_step(struct fm_watch *w, unsigned max)
{
	struct listing *l = &w->list;
	bool resumed = l->fd != -1;

	if (resumed ? !is_in_place(w) : !begin(w))
		return;
	for (unsigned n = 0; l->next < l->count && (n < max || n == 0); n++) {
		if (tell_entry(w, &l->names[l->next++]) == -1) {
			fail(w, errno);
			return;
		}
	}
	if (l->next < l->count)
		return;
	if (resumed && l->dir != DIRTAB_ROOT && !is_path_right(w))
		begin_again(w);
	else
		finish(w);
}
