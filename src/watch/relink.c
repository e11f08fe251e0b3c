/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "watch/watch_priv.h"

#define ASIDE_MS 1000
#define PENDING (DIR_SCAN | DIR_RECURSE)

static uint32_t
take_aside(struct relink *r, unsigned i)
{
	uint32_t node = r->aside[i].node;

	r->put_aside--;
	memmove(&r->aside[i], &r->aside[i + 1], (r->put_aside - i) * sizeof(r->aside[i]));
	return node;
}

static void
put_aside(struct fm_watch *w, uint32_t node, const struct place *at)
{
	struct relink *r = &w->relink;

	if (r->put_aside == RELINK_ASIDE)
		tree_forget(w, take_aside(r, 0));
	dirtab_detach(&w->dirs, node);
	r->aside[r->put_aside++] = (struct aside){ node, watch_now() + ASIDE_MS, *at };
}

/* Something else comes to the name, or goes: what was put aside of it before is no half
   of an exchange. */
static void
aside_touched(struct relink *r, const struct place *at)
{
	for (unsigned i = 0; i < r->put_aside; i++)
		if (place_is_same(&r->aside[i].at, at))
			place_forget(&r->aside[i].at, at->dir);
}

/* What is at the place is not what the table has there, perhaps. */
static void
look_again(struct fm_watch *w, const struct place *at)
{
	uint32_t node = place_node(w, at);

	if (node == DIRTAB_NONE ||
	    path_set(w, &w->second, at->dir, at->name, at->len) == -1)
		return;
	tell_dirty(w, &w->second, FM_CAUSE_REPLACED);
	tree_queue(w, node, FM_SCAN_REPAIR | DIR_RECURSE, false);
}

/* Puts a detached directory in its place; what the table has there must yield. */
static bool
put(struct fm_watch *w, uint32_t node, const struct place *at)
{
	uint32_t there = place_node(w, at);

	if (there != DIRTAB_NONE) {
		/* whoever wanted the path listed means what is there now */
		if (w->dirs.dirs[there].flags & DIR_QUEUED)
			tree_queue(w, node, w->dirs.dirs[there].flags & PENDING, false);
		put_aside(w, there, at);
	}
	if (dirtab_move(&w->dirs, node, at->dir, at->name, at->len) == 0) {
		if (w->dirs.dirs[node].flags & DIR_FAILED) /* under its old name */
			tree_queue(w, node, FM_SCAN_REPAIR, false);
		return true;
	}
	tree_forget(w, node);
	repair_all(w, FM_CAUSE_WATCH_FAILED, errno);
	return false;
}

/*
 * Directory node, or one not known, comes to `to`.  A listing may have seen it
 * there already, and then the table's new one is right and the old one empty.
 */
static bool
settle_at(struct fm_watch *w, uint32_t node, const struct place *to)
{
	uint32_t there = place_node(w, to);
	const struct dir *dirs = w->dirs.dirs;

	if (there == DIRTAB_NONE || (node != DIRTAB_NONE && dirs[node].wd >= 0) ||
	    (node != DIRTAB_NONE && dirs[there].wd < 0))
		return node == DIRTAB_NONE || put(w, node, to);
	if (node != DIRTAB_NONE)
		tree_forget(w, node);
	return false;
}

/*
 * What the kernel calls the directory that a path leads to by now, in one system call;
 * -1: errno.  One that it begins to watch for this is not kept.
 */
static int
number_of(struct fm_watch *w, const struct path *path)
{
	int wd;

	if (path->len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	wd = w->ops->watch_path(w, path->abs);
	if (wd != -1 && dirtab_by_wd(&w->dirs, wd) == DIRTAB_NONE)
		w->ops->unwatch(w, wd);
	return wd;
}

bool
relink_is_in_place(struct fm_watch *w, uint32_t dir)
{
	int own = w->dirs.dirs[dir].wd;

	return own >= 0 && path_set(w, &w->second, dir, NULL, 0) == 0 &&
	    number_of(w, &w->second) == own;
}

/*
 * The reverse of a rename before, and nothing else has happened to the names: either
 * that, or the second half of a RENAME_EXCHANGE.
 */
static bool
is_exchange(struct fm_watch *w, const struct half *half, const struct place *to)
{
	const struct place *from = &half->from;
	struct relink *r = &w->relink;
	const struct pair *there = pairs_find(&r->pairs, to, from);
	struct stat st;

	if (there == NULL)
		return false;
	if (half->is_dir != there->is_dir)
		return true;
	for (unsigned i = 0; i < r->put_aside; i++)
		if (place_is_same(&r->aside[i].at, from))
			return true;
	if (path_stat(w, from->dir, from->name, from->len, &st) == 0)
		return true;
	if (relink_is_in_place(w, from->dir))
		return false;
	/* A directory above has moved since, and another may have its name: what is
	   there cannot be seen. */
	tree_queue(w, from->dir, FM_SCAN_REPAIR, false);
	return true;
}

/*
 * What came to `from` by the rename before stays there, what it displaced is
 * put to `to`; both are looked at again, so a wrong guess does not last.
 */
static void
exchange(struct fm_watch *w, const struct half *half, const struct place *to)
{
	const struct place *from = &half->from;
	struct relink *r = &w->relink;
	uint32_t back = DIRTAB_NONE;

	for (unsigned i = 0; i < r->put_aside && back == DIRTAB_NONE; i++)
		if (place_is_same(&r->aside[i].at, from))
			back = take_aside(r, i);
	if (half->node != DIRTAB_NONE)
		put(w, half->node, from);
	if (back != DIRTAB_NONE)
		settle_at(w, back, to);
	tell_kind(w, FM_CREATED, &w->path, half->is_dir);
	look_again(w, from);
	look_again(w, to);
}

/* How dir is to be listed because a directory above will be, with all below. */
static unsigned
pending_above(const struct fm_watch *w, uint32_t dir)
{
	const struct dir *dirs = w->dirs.dirs;

	for (; dir != DIRTAB_NONE; dir = dirs[dir].parent) {
		unsigned flags = dir == w->list.dir ? w->list.flags : 0;
		flags |= dirs[dir].flags & PENDING;
		if (flags & DIR_RECURSE)
			return flags;
	}
	return 0;
}

/* Is dir, or one above it, still to be listed? */
static bool
is_to_be_listed(const struct fm_watch *w, uint32_t dir)
{
	const struct dir *dirs = w->dirs.dirs;

	for (; dir != DIRTAB_NONE; dir = dirs[dir].parent)
		if (dir == w->list.dir || (dirs[dir].flags & PENDING))
			return true;
	return false;
}

/* How what is moved from dir is to be listed: a listing would have told of it. */
static unsigned
pending_for(const struct fm_watch *w, uint32_t dir)
{
	if (w->lazy && is_to_be_listed(w, dir))
		return FM_SCAN_FRESH | DIR_RECURSE;
	return pending_above(w, dir);
}

/* A rename within the tree; false where `to` has to be looked at again. */
static bool
move(struct fm_watch *w, const struct half *half, const struct place *to)
{
	uint32_t there = place_node(w, to);
	unsigned pending = pending_for(w, half->from.dir);

	if (half->is_dir) {
		if (!settle_at(w, half->node, to) || half->missed)
			return false;
		/* learned of under its new path, and something told for it already */
		if (w->lazy && there != DIRTAB_NONE)
			return false;
		if (pending != 0 && half->node != DIRTAB_NONE)
			tree_queue(w, half->node, pending, false);
		return true;
	}
	/* A file cannot replace a directory: an exchange, or a listing was ahead. */
	if (there != DIRTAB_NONE)
		put_aside(w, there, to);
	return true;
}

static void
tell_renamed(struct fm_watch *w, bool is_dir)
{
	struct fm_event event = { .kind = FM_RENAMED, .is_dir = is_dir };

	event.old_path = path_rel(&w->second);
	event.old_path_len = path_rel_len(&w->second);
	tell_event(w, &event, path_rel(&w->path), path_rel_len(&w->path));
}

static void
within(struct fm_watch *w, const struct half *half, const struct place *to)
{
	bool sure = move(w, half, to);

	tell_renamed(w, half->is_dir);
	if (!sure)
		look_again(w, to);
}

/*
 * A listing between the two halves has shown another directory at the old place.  What
 * was told below it is now said to have moved with the one that was there.
 */
static void
check_left(struct fm_watch *w, const struct half *half, const struct place *to)
{
	uint32_t node = place_node(w, &half->from);

	if (node == DIRTAB_NONE)
		return;
	tree_queue(w, node, FM_SCAN_FRESH | DIR_RECURSE, true);
	if (half->is_dir)
		look_again(w, to);
}

/*
 * Is another directory at the place than the table has there now?  Where there is no
 * number for want of another watch, it is one that has none yet; where the path leads
 * nowhere by now, what is still to be read says more.
 */
static bool
is_another(struct fm_watch *w, const struct place *at)
{
	uint32_t node = place_node(w, at);
	int own = node == DIRTAB_NONE ? -1 : w->dirs.dirs[node].wd, wd;

	if (own < 0 || path_set(w, &w->second, at->dir, at->name, at->len) == -1)
		return false;
	wd = number_of(w, &w->second);
	return wd == -1 ? errno == ENOSPC : wd != own;
}

/*
 * A listing ahead of the queue, or an exchange not seen as such, had the table move
 * another directory than was moved.  No notification need come for what is at `to`, nor
 * for the other, which may be where the rename began.
 */
static void
check_moved(struct fm_watch *w, const struct place *from, const struct place *to)
{
	if (!is_another(w, to))
		return;
	look_again(w, to);
	if (!(w->dirs.dirs[from->dir].flags & DIR_DEAD))
		tree_queue(w, from->dir, FM_SCAN_REPAIR, false);
}

/* What a lazy watch does not know has moved as a whole, and was told so, unless
   a listing that was ahead of the queue has told that it is gone, or one that has
   yet to come would have told of it. */
static bool
is_moved_whole(const struct fm_watch *w, uint32_t from)
{
	return w->lazy && w->listed == w->listed_before && !is_to_be_listed(w, from);
}

void
relink_pair(
    struct fm_watch *w, uint32_t dir, const struct notice *n, const struct half *half)
{
	struct place to = place_of(dir, n->name, n->len);
	const struct place *from = &half->from;
	const struct pair pair = { *from, to, half->is_dir };
	bool exchanged = is_exchange(w, half, &to);
	bool whole = !exchanged && is_moved_whole(w, from->dir);

	if (exchanged) {
		pairs_touched(&w->relink.pairs, from);
		exchange(w, half, &to);
	} else {
		pairs_add(&w->relink.pairs, &pair);
		aside_touched(&w->relink, from);
		aside_touched(&w->relink, &to);
		path_set(w, &w->second, from->dir, from->name, from->len);
		within(w, half, &to);
		check_left(w, half, &to);
		if (half->is_dir)
			check_moved(w, from, &to);
	}
	if (half->is_dir && !whole && place_node(w, &to) == DIRTAB_NONE)
		tree_appeared(w, dir, n, false);
}

void
relink_drop(struct fm_watch *w, int64_t now)
{
	struct relink *r = &w->relink;

	while (r->put_aside > 0 && r->aside[0].due <= now)
		tree_forget(w, take_aside(r, 0));
}

int64_t
relink_due(const struct fm_watch *w)
{
	return w->relink.put_aside > 0 ? w->relink.aside[0].due : -1;
}

void
relink_forget(struct fm_watch *w, uint32_t dir)
{
	struct relink *r = &w->relink;

	for (unsigned i = r->put_aside; i-- > 0;) {
		place_forget(&r->aside[i].at, dir);
		if (r->aside[i].node == dir)
			take_aside(r, i);
	}
	pairs_forget(&r->pairs, dir);
}
