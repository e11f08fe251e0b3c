/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "watch/watch_priv.h"

static struct half
take_half(struct rename *r, unsigned i)
{
	struct half half = r->halves[i];

	r->held--;
	memmove(&r->halves[i], &r->halves[i + 1], (r->held - i) * sizeof(half));
	return half;
}

static void
note_arrival(struct rename *r, const struct place *place)
{
	r->arrivals[r->next++ % RENAME_ARRIVALS] = *place;
}

static bool
take_arrival(struct rename *r, const struct place *place)
{
	for (unsigned i = 0; i < RENAME_ARRIVALS; i++) {
		if (r->arrivals[i].len == 0 || !place_is_same(&r->arrivals[i], place))
			continue;
		r->arrivals[i].len = 0;
		return true;
	}
	return false;
}

/* Has what came to the name to be looked for, and cannot be seen there? */
static bool
is_hidden(struct fm_watch *w, const struct half *half, bool there, bool within)
{
	if (there || (half->exchanged && within))
		return !relink_is_in_place(w, half->from.dir);
	return half->exchanged;
}

/*
 * What was moved away may have been exchanged: then something else came to the name
 * before (IN_MOVED_TO, then IN_MOVED_FROM).  Look; but where the directory has another
 * name by now, nothing is seen of it here, and its listing will show it.  The same
 * where what came has gone on; within the tree it is mostly that which was moved.
 */
static void
look_behind(struct fm_watch *w, const struct half *half, bool within)
{
	const struct place *from = &half->from;
	struct notice n = { .name = from->name, .len = from->len };
	struct stat st;
	bool there = path_stat(w, from->dir, from->name, from->len, &st) == 0;

	if (is_hidden(w, half, there, within)) {
		tree_queue(w, from->dir, FM_SCAN_REPAIR, false);
		return;
	}
	if (!there || path_set(w, &w->path, from->dir, from->name, from->len) == -1 ||
	    !tell_wanted(w, &w->path, S_ISDIR(st.st_mode)))
		return;
	tell_kind(w, FM_CREATED, &w->path, S_ISDIR(st.st_mode));
	if (S_ISDIR(st.st_mode))
		tree_appeared(w, from->dir, &n, false);
}

/* w->second is where it was; false where that is gone, or its place not known. */
static bool
set_old_path(struct fm_watch *w, const struct half *half)
{
	const struct place *from = &half->from;

	if (from->dir == DIRTAB_NONE)
		return false;
	if (path_set(w, &w->second, from->dir, from->name, from->len) == 0)
		return true;
	if (errno == ENOENT)
		rename_missed(w, dirtab_top(&w->dirs, from->dir));
	return false;
}

/* to: where it went, NULL where that is not known. */
static void
flush(struct fm_watch *w, unsigned i, bool look, const struct path *to)
{
	struct half half = take_half(&w->rename, i);
	const struct place *from = &half.from;
	struct fm_event event = { .kind = FM_DELETED, .is_dir = half.is_dir };
	uint32_t node;

	if (half.node != DIRTAB_NONE)
		tree_forget(w, half.node);
	if (!set_old_path(w, &half))
		return;
	if (to != NULL) {
		event.other = path_rel(to);
		event.other_len = path_rel_len(to);
	}
	tell_event(w, &event, path_rel(&w->second), path_rel_len(&w->second));
	node = place_node(w, from);
	if (node != DIRTAB_NONE) /* seen there since, and now said to be gone */
		tree_queue(w, node, FM_SCAN_FRESH | DIR_RECURSE, true);
	if (look)
		look_behind(w, &half, false);
}

void
rename_flush_place(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct rename *r = &w->rename;
	struct place place;

	if (r->held == 0 && w->relink.pairs.n == 0)
		return;
	place = place_of(dir, n->name, n->len);
	if (n->mask & (IN_CREATE | IN_DELETE))
		pairs_touched(&w->relink.pairs, &place);
	for (unsigned i = 0; i < r->held; i++) {
		if (!place_is_same(&r->halves[i].from, &place))
			continue;
		if (!(n->mask & IN_MOVED_TO) || r->halves[i].cookie != n->cookie)
			flush(w, i, !(n->mask & (IN_CREATE | IN_MOVED_TO)), NULL);
		return;
	}
}

void
rename_flush_all(struct fm_watch *w)
{
	while (w->rename.held > 0)
		flush(w, 0, false, NULL);
}

static void
note_unwanted(struct unwanted *u, const struct path *path, uint32_t cookie)
{
	u->len = path_rel_len(path);
	u->cookie = u->len < sizeof(u->path) ? cookie : 0;
	if (u->cookie != 0)
		memcpy(u->path, path_rel(path), u->len + 1);
}

void
rename_from(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	struct rename *r = &w->rename;
	bool is_dir = n->mask & IN_ISDIR;
	struct half half;
	uint32_t node =
	    is_dir ? dirtab_find(&w->dirs, dir, n->name, n->len) : DIRTAB_NONE;

	fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	if (!tell_wanted(w, &w->path, is_dir)) {
		if (node != DIRTAB_NONE)
			tree_forget(w, node);
		note_unwanted(&r->unwanted, &w->path, n->cookie);
		return;
	}
	if (r->held == RENAME_HALVES)
		flush(w, 0, true, NULL);
	if (node != DIRTAB_NONE)
		dirtab_detach(&w->dirs, node);
	half = (struct half){ .from = place_of(dir, n->name, n->len),
		.cookie = n->cookie,
		.node = node,
		.due = watch_now() + w->o.rename_wait_ms,
		.is_dir = is_dir };
	half.exchanged = take_arrival(r, &half.from);
	r->halves[r->held++] = half;
	r->read = w->read_bytes;
}

/* The first half was not wanted, or outside of the tree. */
static void
arrived(struct fm_watch *w, uint32_t dir, const struct notice *n)
{
	bool is_dir = n->mask & IN_ISDIR;
	struct fm_event event = { .kind = FM_CREATED, .is_dir = is_dir };
	const struct unwanted *from = &w->rename.unwanted;
	struct place place = place_of(dir, n->name, n->len);

	if (from->cookie != 0 && from->cookie == n->cookie) {
		event.other = from->path;
		event.other_len = from->len;
	}
	pairs_touched(&w->relink.pairs, &place);
	note_arrival(&w->rename, &place);
	event.repeated = fresh_take(&w->fresh, n->wd, n->name, n->len, w->read_bytes);
	tell_event(w, &event, path_rel(&w->path), path_rel_len(&w->path));
	if (is_dir)
		tree_appeared(w, dir, n, event.repeated);
	else if (dirtab_find(&w->dirs, dir, n->name, n->len) != DIRTAB_NONE)
		tree_queue(w, dir, FM_SCAN_REPAIR, false);
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
		flush(w, i, true, &w->path);
	if (!wanted)
		return;
	if (i == r->held) {
		arrived(w, dir, n);
		return;
	}
	half = take_half(r, i);
	if (set_old_path(w, &half)) {
		relink_pair(w, dir, n, &half);
		if (half.exchanged && !(w->dirs.dirs[half.from.dir].flags & DIR_DEAD))
			look_behind(w, &half, true);
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
		flush(w, 0, true, NULL);
}

bool
rename_is_cut(const struct fm_watch *w)
{
	return w->rename.held > 0 && w->rename.read == w->read_bytes &&
	    w->ops->unread(w) > 0;
}

int64_t
rename_due(const struct fm_watch *w)
{
	return w->rename.held > 0 ? w->rename.halves[0].due : -1;
}

void
rename_missed(struct fm_watch *w, uint32_t top)
{
	for (unsigned i = 0; i < w->rename.held; i++)
		if (w->rename.halves[i].node == top)
			w->rename.halves[i].missed = true;
}

void
rename_forget(struct fm_watch *w, uint32_t dir)
{
	struct rename *r = &w->rename;

	for (unsigned i = 0; i < r->held; i++) {
		if (r->halves[i].node == dir)
			r->halves[i].node = DIRTAB_NONE;
		place_forget(&r->halves[i].from, dir);
	}
	for (unsigned i = 0; i < RENAME_ARRIVALS; i++)
		place_forget(&r->arrivals[i], dir);
}
