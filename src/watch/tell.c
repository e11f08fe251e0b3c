/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <string.h>

#include "watch/watch_priv.h"

bool
tell_wanted(struct fm_watch *w, const struct path *path, bool is_dir)
{
	return w->o.want == NULL ||
	    w->o.want(w->o.ctx, path_rel(path), path_rel_len(path), is_dir);
}

void
tell_event(struct fm_watch *w, struct fm_event *event, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);

	event->path = path;
	event->path_len = len;
	event->name = slash == NULL ? path : slash + 1;
	event->pid = event->kind <= FM_RENAMED ? w->who.pid : 0;
	event->pidfd = event->kind <= FM_RENAMED ? w->who.pidfd : -1;
	w->busy = true;
	w->o.on_event(w->o.ctx, event);
	w->busy = false;
}

void
tell_kind(struct fm_watch *w, enum fm_kind kind, const struct path *path, bool is_dir)
{
	struct fm_event event = { .kind = kind, .is_dir = is_dir };

	tell_event(w, &event, path_rel(path), path_rel_len(path));
}

void
tell_dirty(struct fm_watch *w, const struct path *path, enum fm_cause cause)
{
	struct fm_event event = { .kind = FM_DIRTY, .cause = cause, .is_dir = true };

	tell_event(w, &event, path_rel(path), path_rel_len(path));
}

void
tell_state(struct fm_watch *w, enum fm_kind kind, enum fm_cause cause, int error)
{
	struct fm_event event = {
		.kind = kind, .cause = cause, .error = error, .is_dir = true
	};

	tell_event(w, &event, "", 0);
}
