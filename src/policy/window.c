/* SPDX-License-Identifier: ISC */
#include "policy/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

void
window_set(struct window_name *name, const char *path, size_t len)
{
	free(name->p);
	name->p = xstrndup(path, len);
	name->len = len;
}

void
window_clear(struct window_name *name)
{
	free(name->p);
	*name = (struct window_name){ NULL, 0 };
}

bool
window_is(const struct window_name *name, const char *path, size_t len)
{
	return name->p != NULL && path != NULL && name->len == len &&
	    memcmp(name->p, path, len) == 0;
}

bool
window_is_below(const struct window_name *name, const char *dir, size_t len)
{
	return name->p != NULL && dir != NULL && name->len >= len &&
	    memcmp(name->p, dir, len) == 0 &&
	    (len == 0 || name->len == len || name->p[len] == '/');
}

bool
window_is_above(const struct window_name *name, const char *path, size_t len)
{
	return name->p != NULL && name->len < len && path[name->len] == '/' &&
	    memcmp(name->p, path, name->len) == 0;
}

void
window_release(struct window *w)
{
	window_clear(&w->path);
	window_clear(&w->moved);
	window_clear(&w->doer);
	for (size_t i = 0; i < w->n_temps; i++)
		window_clear(&w->temps[i]);
	*w = (struct window){ .stage = WINDOW_FREE };
}

void
window_add_temp(struct window *w, const char *path, size_t len)
{
	for (size_t i = 0; i < w->n_temps; i++)
		if (window_is(&w->temps[i], path, len))
			return;
	if (w->n_temps < WINDOW_TEMPS && len <= SAVE_PATH_MAX)
		window_set(&w->temps[w->n_temps++], path, len);
}

void
window_saved(struct window *w, enum event_method method)
{
	if (w->stage != WINDOW_SAVED ||
	    (method == EVENT_ATOMIC && w->method == EVENT_IN_PLACE))
		w->method = method;
	w->stage = WINDOW_SAVED;
}

static struct event
event_of(const struct window *w, enum event_type type)
{
	return (struct event){
		.type = type,
		.kind = type == EVENT_MODIFIED ? EVENT_CONTENT : EVENT_KIND_NONE,
		.root = w->root,
		.path = w->path.p,
		.path_len = w->path.len,
		.source = w->source,
		.doer = w->doer.p,
		.st = w->has_st && type != EVENT_DELETED ? &w->st : NULL,
	};
}

static void
tell_moved(const struct window *w, save_emit_cb emit, void *ctx)
{
	struct event ev = event_of(w, EVENT_RENAMED);

	ev.old_path = ev.path;
	ev.old_path_len = ev.path_len;
	ev.path = w->moved.p;
	ev.path_len = w->moved.len;
	if (w->stage == WINDOW_SAVED)
		ev.st = NULL; /* it is the new file's */
	emit(ctx, &ev);
}

static void
tell_edited(const struct window *w, save_emit_cb emit, void *ctx)
{
	struct event ev = event_of(w, EVENT_EDITED);
	struct event_temp temps[WINDOW_TEMPS];

	for (size_t i = 0; i < w->n_temps; i++)
		temps[i] = (struct event_temp){ w->temps[i].p, w->temps[i].len };
	ev.method = w->method;
	ev.fresh = w->fresh;
	ev.temps = temps;
	ev.n_temps = w->n_temps;
	emit(ctx, &ev);
}

static void
tell_plain(const struct window *w, enum event_type type, save_emit_cb emit, void *ctx)
{
	struct event ev = event_of(w, type);

	emit(ctx, &ev);
}

void
window_tell(const struct window *w, save_emit_cb emit, void *ctx)
{
	if (w->moved.p != NULL)
		tell_moved(w, emit, ctx);
	switch (w->stage) {
	case WINDOW_MADE:
		tell_plain(w, EVENT_CREATED, emit, ctx);
		break;
	case WINDOW_CAME:
		tell_plain(w, EVENT_CREATED, emit, ctx);
		tell_plain(w, EVENT_DELETED, emit, ctx);
		break;
	case WINDOW_GONE:
		tell_plain(w, EVENT_DELETED, emit, ctx);
		break;
	case WINDOW_WRITTEN:
		tell_plain(w, EVENT_MODIFIED, emit, ctx);
		break;
	case WINDOW_SAVED:
		tell_edited(w, emit, ctx);
		break;
	case WINDOW_MOVED:
	case WINDOW_FREE:
		break;
	}
}
