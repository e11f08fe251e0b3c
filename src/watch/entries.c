/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watch/entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "watch/watch_priv.h"

static struct dir *
get(struct fm_watch *w, uint32_t dir)
{
	return &w->dirs.dirs[dir];
}

/* Before the first is told of that the names may not show. */
void
entries_begin(struct fm_watch *w)
{
	uint32_t child = get(w, w->list.dir)->child;

	for (; child != DIRTAB_NONE; child = get(w, child)->next)
		get(w, child)->flags |= DIR_UNSEEN;
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

int
entries_tell(struct fm_watch *w, unsigned max)
{
	struct dirnames *names = &w->list.names;

	for (unsigned n = 0; names->next < names->count && (n < max || n == 0); n++)
		if (tell_entry(w, &names->list[names->next++]) == -1)
			return -1;
	return names->next == names->count;
}

void
entries_end(struct fm_watch *w)
{
	uint32_t child = get(w, w->list.dir)->child, next;

	for (; child != DIRTAB_NONE; child = next) {
		next = get(w, child)->next;
		if (get(w, child)->flags & DIR_UNSEEN)
			tree_forget(w, child);
	}
}
