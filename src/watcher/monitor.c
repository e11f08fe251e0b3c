/* SPDX-License-Identifier: ISC */
#include "watcher/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

void
monitor_hint(struct root *root, const struct fm_event *event)
{
	static const struct {
		enum event_type type;
		enum event_kind kind;
	} types[] = {
		[FM_CREATED] = { EVENT_CREATED, EVENT_KIND_NONE },
		[FM_WRITTEN] = { EVENT_MODIFIED, EVENT_CONTENT },
		[FM_ATTRIB] = { EVENT_MODIFIED, EVENT_METADATA },
		[FM_DELETED] = { EVENT_DELETED, EVENT_KIND_NONE },
		[FM_RENAMED] = { EVENT_RENAMED, EVENT_KIND_NONE },
	};
	struct stat st;
	struct event record = {
		.type = types[event->kind].type,
		.kind = types[event->kind].kind,
		.path = event->path,
		.path_len = event->path_len,
		.old_path = event->old_path,
		.old_path_len = event->old_path_len,
		.is_dir = event->is_dir,
		.replaced = true, /* perhaps: nobody knows */
	};

	if (event->kind != FM_DELETED &&
	    watcher_lstat(root->watcher, root, event->path, event->path_len, &st) == 0)
		record.st = &st;
	record_event(root->watcher, root, &record);
}

void
monitor_listing(struct root *root, const struct fm_event *event)
{
	struct event record = {
		.type = EVENT_CREATED,
		.path = event->path,
		.path_len = event->path_len,
		.is_dir = event->is_dir,
		.st = event->st,
	};

	if (event->kind == FM_LIST_FAILED && event->error != ENOENT &&
	    event->error != ENOTDIR && event->error != ELOOP)
		log_warnx("directory %s: cannot be listed: %s (what happens there is not "
			  "seen)",
		    watcher_abs(root->watcher, root, event->path, event->path_len),
		    strerror(event->error));
	if (event->kind != FM_LIST_ENTRY)
		return;
	root->watcher->files += !event->is_dir && !root->watcher->ready;
	if (!(event->scan & FM_SCAN_FRESH))
		return;
	root->in_scan = true;
	record_event(root->watcher, root, &record);
	root->in_scan = false;
}

void
monitor_give_state(struct watcher *w)
{
	w->state = state_open(NULL, (int)w->config->db_cache_kib);
	/* Roots that are opened later find the state themselves. */
	for (size_t i = 0; w->state != NULL && i < w->config->roots.n; i++) {
		if (w->roots[i].path == NULL)
			break;
		w->roots[i].node = node_root(w->state, w->roots[i].path);
		w->roots[i].silent = true;
		if (w->roots[i].watch != NULL)
			fm_watch_scan(w->roots[i].watch, "", true);
	}
	w->files = 0;
	w->scanning = true;
}
