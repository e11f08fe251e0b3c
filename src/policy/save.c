/* SPDX-License-Identifier: ISC */
#include "policy/save.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"
#include "policy/window.h"

struct save {
	struct settle_limits limits;
	save_emit_cb emit;
	void *ctx;
	struct save_note note;
	struct save_stats stats;
	uint64_t changed; /* a bit a window */
	size_t open;
	struct window windows[SAVE_WINDOWS];
};
_Static_assert(SAVE_WINDOWS <= 64, "changed has a bit for each window");

struct save *
save_new(const struct settle_limits *limits, save_emit_cb emit, void *ctx)
{
	struct save *s = xcalloc(1, sizeof(*s));

	s->limits = *limits;
	s->emit = emit;
	s->ctx = ctx;
	return s;
}

static void
touch(struct save *s, const struct window *w)
{
	s->changed |= UINT64_C(1) << (w - s->windows);
}

static void
close_window(struct save *s, struct window *w)
{
	touch(s, w);
	window_release(w);
	s->open--;
}

void
save_free(struct save *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SAVE_WINDOWS; i++)
		if (s->windows[i].stage != WINDOW_FREE)
			close_window(s, &s->windows[i]);
	free(s);
}

static void
count_out(void *ctx, const struct event *ev)
{
	(void)ev;
	++*(uint64_t *)ctx;
}

static void
let_out(struct save *s, struct window *w)
{
	uint64_t out = 0;

	window_tell(w, count_out, &out);
	s->stats.edited += w->stage == WINDOW_SAVED;
	s->stats.merged += w->records > out ? w->records - out : 0;
	window_tell(w, s->emit, s->ctx);
	close_window(s, w);
}

static struct window *
find(struct save *s, const char *root, const char *path, size_t len)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++)
		if (s->windows[i].stage != WINDOW_FREE && s->windows[i].root == root &&
		    window_is(&s->windows[i].path, path, len))
			return &s->windows[i];
	return NULL;
}

/* A part of the window came in: it stays open for a while. */
static void
extend(struct save *s, struct window *w, const struct event *ev, int64_t now)
{
	if (w->records == 0)
		w->first_ms = now;
	if (w->records == 0 && ev->doer != NULL)
		window_set(&w->doer, ev->doer, strlen(ev->doer));
	else if (ev->doer == NULL || !window_is(&w->doer, ev->doer, strlen(ev->doer)))
		window_clear(&w->doer);
	w->records++;
	w->due_ms = settle_due(&s->limits, w->first_ms, now);
	if (ev->type != EVENT_DELETED)
		w->has_st = ev->st != NULL;
	if (ev->st != NULL)
		w->st = *ev->st;
	touch(s, w);
}

static struct window *
open_window(struct save *s, const struct event *ev, enum window_stage stage, int64_t now)
{
	struct window *w = s->windows;

	if (ev->listed)
		return NULL;
	if (s->open == SAVE_WINDOWS || ev->path_len > SAVE_PATH_MAX ||
	    ev->old_path_len > SAVE_PATH_MAX) {
		s->stats.passed++;
		return NULL;
	}
	while (w->stage != WINDOW_FREE)
		w++;
	s->open++;
	w->stage = stage;
	w->root = ev->root;
	w->source = ev->source;
	window_set(&w->path, ev->path, ev->path_len);
	extend(s, w, ev, now);
	return w;
}

/* Does the note say that another name became this one? */
static bool
came_from_other(const struct save *s, const struct event *ev)
{
	return s->note.from != NULL && s->note.to != NULL &&
	    s->note.to_len == ev->path_len &&
	    memcmp(s->note.to, ev->path, ev->path_len) == 0;
}

/* ... or that this one went, or became another? */
static bool
was_left(const struct save *s, const struct event *ev)
{
	return s->note.from != NULL && s->note.from_len == ev->path_len &&
	    memcmp(s->note.from, ev->path, ev->path_len) == 0;
}

/* The temporary file's own window is a part of w from now on. */
static void
swallow(struct save *s, struct window *w, const char *path, size_t len)
{
	struct window *temp = find(s, w->root, path, len);

	window_add_temp(w, path, len);
	if (temp == NULL || temp == w ||
	    (temp->stage != WINDOW_MADE && temp->stage != WINDOW_CAME))
		return;
	for (size_t i = 0; i < temp->n_temps; i++)
		window_add_temp(w, temp->temps[i].p, temp->temps[i].len);
	if (temp->first_ms < w->first_ms)
		w->first_ms = temp->first_ms;
	w->records += temp->records;
	close_window(s, temp);
}

/* A file is at a path that was left before. */
static void
made_anew(struct save *s, struct window *w, const struct event *ev)
{
	bool backup = w->n_temps > 0 || w->moved.p != NULL;

	window_saved(w, backup ? EVENT_BACKUP : EVENT_IN_PLACE);
	if (!came_from_other(s, ev))
		return;
	if (!backup)
		window_saved(w, EVENT_ATOMIC);
	swallow(s, w, s->note.from, s->note.from_len);
}

/* The save that has the path as a temporary file. */
static struct window *
saved_by_way_of(struct save *s, const struct event *ev)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++) {
		struct window *w = &s->windows[i];

		for (size_t t = 0; t < w->n_temps; t++)
			if (w->stage == WINDOW_SAVED && w->root == ev->root &&
			    window_is(&w->temps[t], ev->path, ev->path_len))
				return w;
	}
	return NULL;
}

static bool
take_created(struct save *s, struct window *w, const struct event *ev, int64_t now)
{
	if (w != NULL && (w->stage == WINDOW_GONE || w->stage == WINDOW_MOVED)) {
		extend(s, w, ev, now);
		made_anew(s, w, ev);
		return true;
	}
	if (w != NULL)
		let_out(s, w);
	w = open_window(s, ev, WINDOW_MADE, now);
	if (w != NULL && came_from_other(s, ev) && saved_by_way_of(s, ev) == NULL) {
		window_saved(w, EVENT_ATOMIC);
		w->fresh = !ev->replaced;
		swallow(s, w, s->note.from, s->note.from_len);
	}
	return w != NULL;
}

/* The backup of a save is removed. */
static bool
drop_backup(struct save *s, const struct event *ev, int64_t now)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++) {
		struct window *w = &s->windows[i];

		if (w->stage != WINDOW_SAVED || w->moved_over || w->root != ev->root ||
		    !window_is(&w->moved, ev->path, ev->path_len))
			continue;
		window_clear(&w->moved);
		extend(s, w, ev, now);
		return true;
	}
	return false;
}

static bool
take_deleted(struct save *s, struct window *w, const struct event *ev, int64_t now)
{
	if (w != NULL && w->stage == WINDOW_MADE) {
		struct window *by = saved_by_way_of(s, ev);

		extend(s, w, ev, now);
		w->stage = WINDOW_CAME;
		if (by != NULL)
			swallow(s, by, ev->path, ev->path_len);
		return true;
	}
	if (w != NULL)
		let_out(s, w);
	w = open_window(s, ev, WINDOW_GONE, now);
	if (w != NULL && was_left(s, ev) && s->note.to != NULL)
		window_add_temp(w, s->note.to, s->note.to_len);
	return w != NULL;
}

/* Nothing is held of the path: what kind of change is it? */
static bool
take_change(struct save *s, const struct event *ev, int64_t now)
{
	struct window *w = NULL;

	if (ev->kind == EVENT_CONTENT)
		w = open_window(s, ev, WINDOW_WRITTEN, now);
	if (w == NULL)
		return false;
	if (came_from_other(s, ev)) {
		window_saved(w, EVENT_ATOMIC);
		swallow(s, w, s->note.from, s->note.from_len);
	} else if (was_left(s, ev) && s->note.to != NULL) {
		window_saved(w, EVENT_BACKUP);
		window_add_temp(w, s->note.to, s->note.to_len);
	} else if (ev->shrunk || (ev->replaced && was_left(s, ev))) {
		window_saved(w, EVENT_IN_PLACE);
	}
	return true;
}

/* A writer's write and its close may be looked at apart: the second look tells
   nothing new. */
static bool
is_known(const struct window *w, const struct event *ev)
{
	return w->has_st && ev->st != NULL && w->st.st_size == ev->st->st_size &&
	    w->st.st_ino == ev->st->st_ino &&
	    memcmp(&w->st.st_mtim, &ev->st->st_mtim, sizeof(w->st.st_mtim)) == 0;
}

static bool
take_modified(struct save *s, struct window *w, const struct event *ev, int64_t now)
{
	bool known;

	if (w != NULL && w->stage != WINDOW_MADE && w->stage != WINDOW_WRITTEN &&
	    w->stage != WINDOW_SAVED) {
		let_out(s, w);
		w = NULL;
	}
	if (w == NULL)
		return take_change(s, ev, now);
	known = is_known(w, ev);
	extend(s, w, ev, now);
	if (ev->kind != EVENT_CONTENT)
		return true;
	if (came_from_other(s, ev)) {
		w->fresh = w->fresh || w->stage == WINDOW_MADE;
		window_saved(w, EVENT_ATOMIC);
		swallow(s, w, s->note.from, s->note.from_len);
	} else if (w->stage == WINDOW_WRITTEN && !known) {
		window_saved(w, EVENT_IN_PLACE);
	}
	return true;
}

/* A file that was made meanwhile takes the path. */
static bool
take_over(struct save *s, struct window *w, struct window *temp, const struct event *ev,
    int64_t now)
{
	if (w == NULL) {
		window_add_temp(temp, ev->old_path, ev->old_path_len);
		window_set(&temp->path, ev->path, ev->path_len);
		temp->fresh = !ev->replaced;
		extend(s, temp, ev, now);
		window_saved(temp, EVENT_ATOMIC);
		return true;
	}
	extend(s, w, ev, now);
	if (w->stage == WINDOW_GONE || w->stage == WINDOW_MOVED) {
		window_saved(w, EVENT_BACKUP);
	} else {
		w->fresh = w->fresh || w->stage == WINDOW_MADE;
		window_saved(w, w->stage == WINDOW_SAVED ? w->method : EVENT_ATOMIC);
	}
	swallow(s, w, ev->old_path, ev->old_path_len);
	return true;
}

static bool
take_renamed(struct save *s, struct window *w, const struct event *ev, int64_t now)
{
	struct window *old = find(s, ev->root, ev->old_path, ev->old_path_len);

	if (old != NULL && old->stage == WINDOW_MADE && ev->path_len <= SAVE_PATH_MAX &&
	    (w == NULL || w->stage != WINDOW_CAME))
		return take_over(s, w, old, ev, now);
	if (old != NULL)
		let_out(s, old);
	if (w != NULL)
		let_out(s, w);
	w = open_window(s, ev, WINDOW_MOVED, now);
	if (w == NULL)
		return false;
	window_set(&w->moved, ev->path, ev->path_len);
	window_set(&w->path, ev->old_path, ev->old_path_len);
	window_add_temp(w, ev->path, ev->path_len);
	w->moved_over = ev->replaced;
	return true;
}

/* Lets out what is held of a directory, and of all below it. */
static void
let_out_below(struct save *s, const struct event *ev)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++) {
		struct window *w = &s->windows[i];

		if (w->stage != WINDOW_FREE && w->root == ev->root &&
		    (window_is_below(&w->path, ev->path, ev->path_len) ||
			window_is_below(&w->moved, ev->path, ev->path_len) ||
			window_is_below(&w->path, ev->old_path, ev->old_path_len)))
			let_out(s, w);
	}
}

/* Lets out what was renamed to a name that something happens to now, and what
   turns out to be a directory, as something is in it. */
static void
let_out_related(struct save *s, const struct event *ev)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++) {
		struct window *w = &s->windows[i];

		if (w->stage != WINDOW_FREE && w->root == ev->root &&
		    (window_is(&w->moved, ev->path, ev->path_len) ||
			window_is(&w->moved, ev->old_path, ev->old_path_len) ||
			window_is_above(&w->path, ev->path, ev->path_len)))
			let_out(s, w);
	}
}

bool
save_take(struct save *s, const struct event *ev, int64_t now)
{
	static bool (*const takes[])(
	    struct save *, struct window *, const struct event *, int64_t) = {
		[EVENT_CREATED] = take_created,
		[EVENT_MODIFIED] = take_modified,
		[EVENT_DELETED] = take_deleted,
		[EVENT_RENAMED] = take_renamed,
	};

	if (ev->path == NULL || ev->type >= COUNTOF(takes)) {
		save_flush(s);
		return false;
	}
	if (ev->is_dir) {
		let_out_below(s, ev);
		return false;
	}
	if (ev->type == EVENT_DELETED && drop_backup(s, ev, now))
		return true;
	let_out_related(s, ev);
	return takes[ev->type](s, find(s, ev->root, ev->path, ev->path_len), ev, now);
}

void
save_note(struct save *s, const struct save_note *note)
{
	s->note = note == NULL ? (struct save_note){ .from = NULL } : *note;
}

void
save_tick(struct save *s, int64_t now)
{
	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++)
		if (s->windows[i].stage != WINDOW_FREE && s->windows[i].due_ms <= now)
			let_out(s, &s->windows[i]);
}

int64_t
save_due(const struct save *s)
{
	int64_t due = -1;

	for (size_t i = 0; s->open > 0 && i < SAVE_WINDOWS; i++)
		if (s->windows[i].stage != WINDOW_FREE &&
		    (due < 0 || s->windows[i].due_ms < due))
			due = s->windows[i].due_ms;
	return due;
}

void
save_flush(struct save *s)
{
	save_tick(s, INT64_MAX);
}

void
save_stats(const struct save *s, struct save_stats *stats)
{
	*stats = s->stats;
}

bool
save_changed(const struct save *s, unsigned window)
{
	return (s->changed >> window & 1) != 0;
}

void
save_mark_kept(struct save *s)
{
	s->changed = 0;
}

void
save_mark_changed(struct save *s)
{
	s->changed = UINT64_MAX;
}

void
save_each(const struct save *s, unsigned window, save_emit_cb emit, void *ctx)
{
	if (s->windows[window].stage != WINDOW_FREE)
		window_tell(&s->windows[window], emit, ctx);
}
