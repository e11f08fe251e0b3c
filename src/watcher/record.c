/* SPDX-License-Identifier: ISC */
#include "watcher/record.h"

#include <string.h>

#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

static const char *
source_of(const struct root *root)
{
	enum fm_backend backend = fm_watch_backend(root->watch);

	if (root->in_scan && backend != FM_BACKEND_POLL)
		return "scan";
	return fm_backend_name(backend);
}

void
record_event(struct watcher *w, struct root *root, struct event *event)
{
	if (root->in_scan && root->silent)
		return;
	event->root = root->path;
	event->source = source_of(root);
	if (!root->in_scan)
		event->doer = doer_of(&w->doer, event);
	event->listed = event->listed || root->in_scan;
	w->intake.scan_changes += root->in_scan;
	stream_put(w->stream, event);
}

void
record_aside(struct watcher *w, struct root *root, struct event *event)
{
	event->root = root->path;
	event->source = source_of(root);
	evlog_add(w->log, event, NULL);
}

void
record_gap(struct watcher *w, struct root *root, const char *path, size_t len,
    const char *cause, bool repaired)
{
	/* Of a root that goes or comes, and of none beside it. */
	bool is_root = strncmp(cause, "root-", 5) == 0;
	struct event event = {
		.type = EVENT_GAP,
		.root = root->path,
		.path = len == 0 && !is_root ? NULL : path,
		.path_len = len,
		.is_dir = true,
		.cause = cause,
		.repaired = repaired,
		.source = source_of(root),
	};

	w->intake.gaps++;
	stream_put(w->stream, &event);
}
