/* SPDX-License-Identifier: ISC */

/*
 * What a notification means.  It is about a moment that is past: the table may
 * be behind it or, where a listing looked later, ahead of it.  Whatever it
 * does to the table in error, a later notification or listing mends.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "watch/watch_priv.h"

bool
notice_is_sane(const struct notice *n)
{
	if (n->len > NAME_MAX || memchr(n->name, '/', n->len) != NULL)
		return false;
	return n->len == 0 || n->name[0] != '.' ||
	    (n->len != 1 && (n->len != 2 || n->name[1] != '.'));
}

static uint32_t
child_of(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	return dirtab_find(&w->dirs, dir, n->name, n->len);
}

static void
created(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	struct fm_event event = { .kind = FM_CREATED, .is_dir = is_dir };

	event.repeated = fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	if (!tell_wanted(w, &w->path, is_dir))
		return;
	tell_event(w, &event, path_rel(&w->path), path_rel_len(&w->path));
	if (is_dir)
		tree_appeared(w, dir, n, event.repeated);
}

static void
written(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	struct fm_event event = {
		.kind = FM_WRITTEN,
		.is_dir = is_dir,
		.modified = n->mask & IN_MODIFY,
	};

	(void)dir;
	if (tell_wanted(w, &w->path, is_dir))
		tell_event(w, &event, path_rel(&w->path), path_rel_len(&w->path));
}

static void
attrib(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	uint32_t child = is_dir ? child_of(w, dir, n) : DIRTAB_NONE;

	if (tell_wanted(w, &w->path, is_dir))
		tell_kind(w, FM_ATTRIB, &w->path, is_dir);
	if (child != DIRTAB_NONE)
		tree_queue_failed(w, child);
}

static void
deleted(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	uint32_t child = is_dir ? child_of(w, dir, n) : DIRTAB_NONE;

	fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	if (tell_wanted(w, &w->path, is_dir))
		tell_kind(w, FM_DELETED, &w->path, is_dir);
	if (child != DIRTAB_NONE)
		tree_forget(w, child);
}

static const struct {
	uint32_t mask;
	void (*apply)(struct fm_watch *, uint32_t dir, const struct notice *);
} named[] = {
	{ IN_MODIFY | IN_CLOSE_WRITE, written },
	{ IN_CREATE, created },
	{ IN_DELETE, deleted },
	{ IN_ATTRIB, attrib },
	{ IN_MOVED_FROM, rename_from },
	{ IN_MOVED_TO, rename_to },
};

static void
apply_named(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	size_t i = 0;

	while (i < sizeof(named) / sizeof(named[0]) && !(n->mask & named[i].mask))
		i++;
	if (i == sizeof(named) / sizeof(named[0]))
		return;
	rename_flush_place(w, dir, n);
	if (path_set(w, &w->path, dir, n->name, n->len) == 0)
		named[i].apply(w, dir, n);
	else if (errno == ENOENT)
		rename_missed(w, dirtab_top(&w->dirs, dir));
}

/* About the watched directory itself; for all but the root its parent's
   notifications say the same with the name. */
static void
apply_self(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	uint32_t parent = w->dirs.dirs[dir].parent;

	if (n->mask & IN_UNMOUNT) {
		if (dir == DIRTAB_ROOT)
			root_lost(w);
	} else if (n->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		if (dir == DIRTAB_ROOT) {
			if ((n->mask & IN_DELETE_SELF) || !fm_watch_root_same(w))
				root_lost(w);
		} else if (parent != DIRTAB_NONE && w->dirs.dirs[parent].wd < 0) {
			tree_queue(w, parent, FM_SCAN_POLL, false);
		}
	} else if (n->mask & IN_ATTRIB) {
		tree_queue_failed(w, dir);
		if (dir == DIRTAB_ROOT && path_set(w, &w->path, dir, NULL, 0) == 0)
			tell_kind(w, FM_ATTRIB, &w->path, true);
	}
}

/*
 * The kernel has dropped the watch: the directory was removed, or its file
 * system unmounted.  The parent says IN_DELETE for the one; else it is looked
 * at, which finds what is there now.
 */
static void
apply_ignored(struct fm_watch *w, uint32_t dir)
{
	dirtab_set_wd(&w->dirs, dir, -1);
	w->limit_hit = false;
	if (dir == DIRTAB_ROOT && !fm_watch_root_same(w))
		root_lost(w);
	else
		tree_queue(w, dir, FM_SCAN_REPAIR, false);
}

void
notice_apply_to(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	if (n->mask & IN_IGNORED)
		apply_ignored(w, dir);
	else if (n->len == 0)
		apply_self(w, dir, n);
	else
		apply_named(w, dir, n);
}

void
notice_apply(struct fm_watch *w, const struct notice *n)
{
	uint32_t dir;

	if (n->mask & IN_Q_OVERFLOW) {
		w->overflows++;
		repair_all(w, FM_CAUSE_OVERFLOW, 0);
		return;
	}
	dir = dirtab_by_wd(&w->dirs, n->wd);
	if (dir == DIRTAB_NONE)
		w->unknown += !(n->mask & IN_IGNORED); /* that one is expected */
	else if (!backlog_takes(w, dir, n))
		notice_apply_to(w, dir, n);
}
