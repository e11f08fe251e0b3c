/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "watch/watch_priv.h"

#define ASIDE_MS 1000
#define COOKIES_APART 16

static struct place
place_of(uint32_t dir, const char *name, size_t len)
{
	struct place place = { .dir = dir, .len = (uint8_t)len };

	memcpy(place.name, name, len);
	return place;
}

static bool
is_same(const struct place *a, const struct place *b)
{
	return a->dir != DIRTAB_NONE && a->dir == b->dir && a->len == b->len &&
	    memcmp(a->name, b->name, a->len) == 0;
}

static uint32_t
node_at(const struct fm_watch *w, const struct place *place)
{
	return dirtab_find(&w->dirs, place->dir, place->name, place->len);
}

static struct half
take_half(struct rename *r, unsigned i)
{
	struct half half = r->halves[i];

	r->held--;
	memmove(&r->halves[i], &r->halves[i + 1], (r->held - i) * sizeof(half));
	return half;
}

static uint32_t
take_aside(struct rename *r, unsigned i)
{
	uint32_t node = r->aside[i].node;

	r->put_aside--;
	memmove(&r->aside[i], &r->aside[i + 1], (r->put_aside - i) * sizeof(r->aside[i]));
	return node;
}

static void
put_aside(struct fm_watch *w, uint32_t node, const struct place *at)
{
	struct rename *r = &w->rename;

	if (r->put_aside == RENAME_ASIDE)
		tree_forget(w, take_aside(r, 0));
	dirtab_detach(&w->dirs, node);
	r->aside[r->put_aside++] = (struct aside){ node, watch_now() + ASIDE_MS, *at };
}

/* No exchange can begin with the last pair. */
static void
forget_last(struct rename *r)
{
	r->last_from.dir = r->last_to.dir = DIRTAB_NONE;
}

void
rename_init(struct rename *r)
{
	forget_last(r);
}

/*
 * The second half did not come: what was moved is outside of the tree.  Where
 * it was exchanged with something outside, that came to the name before
 * (IN_MOVED_TO, then IN_MOVED_FROM): look.
 */
static void
look_behind(struct fm_watch *w, const struct place *from)
{
	struct notice n = { .name = from->name, .len = from->len };
	struct stat st;

	if (path_stat(w, from->dir, from->name, from->len, &st) == -1 ||
	    path_set(w, &w->path, from->dir, from->name, from->len) == -1 ||
	    !tell_wanted(w, &w->path, S_ISDIR(st.st_mode)))
		return;
	tell_kind(w, FM_CREATED, &w->path, S_ISDIR(st.st_mode));
	if (S_ISDIR(st.st_mode))
		tree_appeared(w, from->dir, &n, false);
}

static void
flush(struct fm_watch *w, unsigned i, bool look)
{
	struct half half = take_half(&w->rename, i);
	const struct place *from = &half.from;
	uint32_t node;

	if (half.node != DIRTAB_NONE)
		tree_forget(w, half.node);
	if (from->dir == DIRTAB_NONE ||
	    path_set(w, &w->second, from->dir, from->name, from->len) == -1)
		return;
	tell_kind(w, FM_DELETED, &w->second, half.is_dir);
	node = node_at(w, from);
	if (node != DIRTAB_NONE) /* seen there since, and now said to be gone */
		tree_queue(w, node, FM_SCAN_FRESH | DIR_RECURSE, true);
	if (look)
		look_behind(w, from);
}

void
rename_flush_place(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct rename *r = &w->rename;
	struct place place;

	if (r->held == 0 && r->last_from.dir == DIRTAB_NONE)
		return;
	place = place_of(dir, n->name, n->len);
	if ((n->mask & (IN_CREATE | IN_DELETE)) &&
	    (is_same(&place, &r->last_from) || is_same(&place, &r->last_to)))
		forget_last(r);
	for (unsigned i = 0; i < r->held; i++) {
		if (!is_same(&r->halves[i].from, &place))
			continue;
		if (!(n->mask & IN_MOVED_TO) || r->halves[i].cookie != n->cookie)
			flush(w, i, !(n->mask & (IN_CREATE | IN_MOVED_TO)));
		return;
	}
}

void
rename_flush_all(struct fm_watch *w)
{
	while (w->rename.held > 0)
		flush(w, 0, false);
	while (w->rename.put_aside > 0)
		tree_forget(w, take_aside(&w->rename, 0));
	forget_last(&w->rename);
}

void
rename_from(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct rename *r = &w->rename;
	bool is_dir = n->mask & IN_ISDIR;
	uint32_t node = is_dir ? dirtab_find(&w->dirs, dir, n->name, n->len) : DIRTAB_NONE;

	fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	if (!tell_wanted(w, &w->path, is_dir)) {
		if (node != DIRTAB_NONE)
			tree_forget(w, node);
		return;
	}
	if (r->held == RENAME_HALVES)
		flush(w, 0, true);
	if (node != DIRTAB_NONE)
		dirtab_detach(&w->dirs, node);
	r->halves[r->held++] = (struct half){ .from = place_of(dir, n->name, n->len),
		.cookie = n->cookie,
		.node = node,
		.due = watch_now() + w->o.rename_wait_ms,
		.is_dir = is_dir };
}

/* The first half was not wanted, or outside of the tree. */
static void
arrived(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	struct fm_event event = { .kind = FM_CREATED, .is_dir = is_dir };

	forget_last(&w->rename);
	event.repeated = fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	tell(w, &event, path_rel(&w->path), path_rel_len(&w->path));
	if (is_dir)
		tree_appeared(w, dir, n, event.repeated);
	else if (dirtab_find(&w->dirs, dir, n->name, n->len) != DIRTAB_NONE)
		tree_queue(w, dir, FM_SCAN_REPAIR, false);
}

/* What is at the place is not what the table has there, perhaps. */
static void
look_again(struct fm_watch *w, const struct place *at)
{
	uint32_t node = node_at(w, at);

	if (node == DIRTAB_NONE ||
	    path_set(w, &w->second, at->dir, at->name, at->len) == -1)
		return;
	tell_dirty(w, &w->second, FM_CAUSE_REPLACED);
	tree_queue(w, node, FM_SCAN_REPAIR | DIR_RECURSE, false);
}

#define PENDING (DIR_SCAN | DIR_RECURSE)

/* Puts a detached directory in its place; what the table has there must yield. */
static bool
put(struct fm_watch *w, uint32_t node, const struct place *at)
{
	uint32_t there = node_at(w, at);

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
	uint32_t there = node_at(w, to);
	const struct dir *dirs = w->dirs.dirs;

	if (there == DIRTAB_NONE || (node != DIRTAB_NONE && dirs[node].wd >= 0) ||
	    (node != DIRTAB_NONE && dirs[there].wd < 0))
		return node == DIRTAB_NONE || put(w, node, to);
	if (node != DIRTAB_NONE)
		tree_forget(w, node);
	return false;
}

/*
 * The reverse of the rename before: either that, or the second half of a
 * RENAME_EXCHANGE.  29678 and 29679 are cookies seen for one, but renames of
 * others may come between.
 */
static bool
is_exchange(struct fm_watch *w, const struct half *half, const struct place *to)
{
	const struct place *from = &half->from;
	struct rename *r = &w->rename;
	struct stat st;

	if (!is_same(from, &r->last_to) || !is_same(to, &r->last_from) ||
	    half->cookie - r->last_cookie > COOKIES_APART)
		return false;
	if (half->is_dir != r->last_is_dir)
		return true;
	for (unsigned i = 0; i < r->put_aside; i++)
		if (is_same(&r->aside[i].at, from))
			return true;
	if (path_stat(w, from->dir, from->name, from->len, &st) == 0)
		return true;
	if (path_stat(w, from->dir, NULL, 0, &st) == 0)
		return false;
	/* A directory above has moved since: what is there cannot be seen. */
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
	struct rename *r = &w->rename;
	uint32_t back = DIRTAB_NONE;

	for (unsigned i = 0; i < r->put_aside && back == DIRTAB_NONE; i++)
		if (is_same(&r->aside[i].at, from))
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

/* A rename within the tree; false where `to` has to be looked at again. */
static bool
move(struct fm_watch *w, const struct half *half, const struct place *to)
{
	uint32_t there = node_at(w, to);
	unsigned pending = pending_above(w, half->from.dir);

	if (half->is_dir) {
		if (!settle_at(w, half->node, to) || half->missed)
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
	tell(w, &event, path_rel(&w->path), path_rel_len(&w->path));
}

static void
rename_within(struct fm_watch *w, const struct half *half, const struct place *to)
{
	bool sure = move(w, half, to);

	tell_renamed(w, half->is_dir);
	if (!sure)
		look_again(w, to);
}

static void
pair(struct fm_watch *w, uint32_t dir, const struct notice *n, const struct half *half)
{
	struct place to = place_of(dir, n->name, n->len);
	const struct place *from = &half->from;
	struct rename *r = &w->rename;

	if (is_exchange(w, half, &to)) {
		exchange(w, half, &to);
		forget_last(r);
	} else {
		path_set(w, &w->second, from->dir, from->name, from->len);
		rename_within(w, half, &to);
		r->last_from = *from;
		r->last_to = to;
		r->last_cookie = half->cookie;
		r->last_is_dir = half->is_dir;
	}
	if (half->is_dir && node_at(w, &to) == DIRTAB_NONE)
		tree_appeared(w, dir, n, false);
}

void
rename_to(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct rename *r = &w->rename;
	bool wanted = tell_wanted(w, &w->path, n->mask & IN_ISDIR);
	struct half half;
	unsigned i = 0;

	while (i < r->held && r->halves[i].cookie != n->cookie)
		i++;
	if (!wanted && i < r->held)
		flush(w, i, true);
	if (!wanted)
		return;
	if (i == r->held) {
		arrived(w, dir, n);
		return;
	}
	half = take_half(r, i);
	if (half.from.dir != DIRTAB_NONE &&
	    path_set(w, &w->second, half.from.dir, half.from.name, half.from.len) == 0) {
		pair(w, dir, n, &half);
		return;
	}
	if (half.node != DIRTAB_NONE)
		tree_forget(w, half.node);
	arrived(w, dir, n);
}

void
rename_tick(struct fm_watch *w, int64_t now)
{
	struct rename *r = &w->rename;

	while (r->held > 0 && r->halves[0].due <= now)
		flush(w, 0, true);
	while (r->put_aside > 0 && r->aside[0].due <= now)
		tree_forget(w, take_aside(r, 0));
}

int64_t
rename_due(const struct fm_watch *w)
{
	const struct rename *r = &w->rename;
	int64_t half = r->held > 0 ? r->halves[0].due : -1;
	int64_t aside = r->put_aside > 0 ? r->aside[0].due : -1;

	return half == -1 || (aside != -1 && aside < half) ? aside : half;
}

void
rename_missed(struct fm_watch *w, uint32_t top)
{
	for (unsigned i = 0; i < w->rename.held; i++)
		if (w->rename.halves[i].node == top)
			w->rename.halves[i].missed = true;
}

static void
forget_place(struct place *place, uint32_t dir)
{
	if (place->dir == dir)
		place->dir = DIRTAB_NONE;
}

void
rename_forget(struct fm_watch *w, uint32_t dir)
{
	struct rename *r = &w->rename;

	for (unsigned i = 0; i < r->held; i++) {
		if (r->halves[i].node == dir)
			r->halves[i].node = DIRTAB_NONE;
		forget_place(&r->halves[i].from, dir);
	}
	for (unsigned i = r->put_aside; i-- > 0;) {
		forget_place(&r->aside[i].at, dir);
		if (r->aside[i].node == dir)
			take_aside(r, i);
	}
	forget_place(&r->last_from, dir);
	forget_place(&r->last_to, dir);
}
