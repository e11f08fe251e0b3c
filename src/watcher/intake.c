/* SPDX-License-Identifier: ISC */
#include "watcher/intake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "enrich/process.h"
#include "policy/save.h"
#include "watcher/dispatch.h"
#include "watcher/legacy.h"
#include "watcher/monitor.h"
#include "watcher/reconcile.h"
#include "watcher/record.h"
#include "watcher/rename.h"
#include "watcher/scan.h"
#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

static bool
repeats(const struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	return bufferful_repeats(&w->bufferful, root->index, event, w->state != NULL);
}

static enum hint
hint_of(const struct fm_event *event)
{
	switch (event->kind) {
	case FM_CREATED:
		return HINT_CREATED;
	case FM_WRITTEN:
		return event->modified ? HINT_MODIFIED : HINT_WRITTEN;
	case FM_ATTRIB:
		return HINT_ATTRIB;
	default:
		return HINT_DELETED;
	}
}

/* What a save may be known by: a rename, or a removal. */
static void
note_other(struct watcher *w, const struct fm_event *event)
{
	struct save_note note = {
		.from = event->path,
		.from_len = event->path_len,
		.to = event->other,
		.to_len = event->other_len,
	};

	if (event->kind == FM_CREATED && event->other != NULL)
		note = (struct save_note){ .from = event->other,
			.from_len = event->other_len,
			.to = event->path,
			.to_len = event->path_len };
	else if (event->kind == FM_RENAMED)
		note = (struct save_note){ .from = event->old_path,
			.from_len = event->old_path_len,
			.to = event->path,
			.to_len = event->path_len };
	else if (event->kind != FM_DELETED)
		return;
	stream_note(w->stream, &note);
}

static void
look(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	if (filter_forget(root->filter, event->path, event->path_len))
		root->refilter = true;
	if (event->is_dir && event->kind == FM_DELETED)
		bufferful_forget(&w->bufferful);
	if (repeats(root, event)) {
		w->intake.suppressed++;
		return;
	}
	note_other(w, event);
	reconcile_path(w, root, event->path, event->path_len, hint_of(event), NULL);
	if (event->is_dir && event->kind == FM_ATTRIB)
		scan_look_at(root, event->path, event->path_len);
	stream_note(w->stream, NULL);
}

static void
renamed(struct root *root, const struct fm_event *event)
{
	const struct rename_paths paths = {
		.old_path = event->old_path,
		.old_len = event->old_path_len,
		.path = event->path,
		.len = event->path_len,
		.is_dir = event->is_dir,
	};

	if (filter_forget(root->filter, event->path, event->path_len) ||
	    filter_forget(root->filter, event->old_path, event->old_path_len))
		root->refilter = true;
	bufferful_forget(&root->watcher->bufferful);
	note_other(root->watcher, event);
	rename_take(root->watcher, root, &paths);
	stream_note(root->watcher->stream, NULL);
}

static void
hint_without_state(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	if (event->repeated || (event->kind != FM_RENAMED && repeats(root, event))) {
		w->intake.suppressed++;
		return;
	}
	note_other(w, event);
	monitor_hint(root, event);
	stream_note(w->stream, NULL);
}

static void
dirty(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;
	const char *cause = fm_cause_name(event->cause);

	log_warnx("watch %s: events were lost: %s (%s)",
	    watcher_abs(w, root, event->path, event->path_len), cause,
	    w->state != NULL ? "the tree is compared with what was seen"
			     : "not repaired");
	record_gap(w, root, event->path, event->path_len, cause, w->state != NULL);
	dispatch_doubt_path(w, root, event->path, event->path_len);
	bufferful_forget(&w->bufferful);
}

/* No loss: what it leaves to be found is found by the listing that follows. */
static void
backlog(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	dispatch_doubt_path(w, root, event->path, event->path_len);
	if (event->repeated)
		return;
	log_debug("watch %s: postponed: more happens than can be looked at (it is listed "
		  "when it is calm)",
	    watcher_abs(w, root, event->path, event->path_len));
	record_gap(
	    w, root, event->path, event->path_len, fm_cause_name(event->cause), true);
}

static void
root_gone(struct root *root)
{
	log_warnx(
	    "root %s: gone: removed, moved or unmounted (waiting for it to come back; "
	    "nothing counts as deleted)",
	    root->path);
	record_gap(root->watcher, root, "", 0, "root-gone", false);
	dispatch_taint_path(root->watcher, root, "", 0);
	root->watcher->incomplete = true;
	bufferful_forget(&root->watcher->bufferful);
}

static void
root_back(struct root *root)
{
	struct watcher *w = root->watcher;

	root->refused = false;
	log_info("root %s: back (comparing it with what was seen)", root->path);
	record_gap(w, root, "", 0, "root-back", w->state != NULL);
	dispatch_taint_path(w, root, "", 0);
	watcher_begin_scan(w, "the root came back");
}

static void
degraded(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	if (event->cause == FM_CAUSE_WATCH_LIMIT)
		log_warnx("watch %s: fs.inotify.max_user_watches is used up: the rest of "
			  "the tree "
			  "is polled every %lld ms (raise it: sysctl "
			  "fs.inotify.max_user_watches=1048576)",
		    root->path, (long long)w->config->poll_interval_ms);
	else
		log_warnx("watch %s: directories are polled every %lld ms: %s%s%s",
		    root->path, (long long)w->config->poll_interval_ms,
		    fm_cause_name(event->cause), event->error != 0 ? ": " : "",
		    event->error != 0 ? strerror(event->error) : "");
	if (w->state == NULL)
		monitor_give_state(w);
}

static void
on_event(void *ctx, const struct fm_event *event)
{
	struct root *root = ctx;
	struct watcher *w = root->watcher;

	doer_begin(w, event);
	switch (event->kind) {
	case FM_CREATED:
	case FM_WRITTEN:
	case FM_ATTRIB:
	case FM_DELETED:
		if (w->state == NULL)
			hint_without_state(root, event);
		else
			look(root, event);
		break;
	case FM_RENAMED:
		if (w->state == NULL)
			hint_without_state(root, event);
		else
			renamed(root, event);
		break;
	case FM_LIST_BEGIN:
	case FM_LIST_ENTRY:
	case FM_LIST_END:
	case FM_LIST_FAILED:
		if (w->state == NULL)
			monitor_listing(root, event);
		else
			scan_event(root, event);
		break;
	case FM_DIRTY:
		if (event->cause == FM_CAUSE_BACKLOG)
			backlog(root, event);
		else
			dirty(root, event);
		break;
	case FM_ROOT_GONE:
		root_gone(root);
		break;
	case FM_ROOT_BACK:
		root_back(root);
		break;
	case FM_DEGRADED:
		degraded(root, event);
		break;
	case FM_RESTORED:
		log_info("watch %s: nothing is polled for %s any more", root->path,
		    fm_cause_name(event->cause));
		break;
	}
	doer_end(&w->doer);
}

/*
 * What was taken over is watched by rules that were read before us.  Our own
 * reading of an ignore file may already be one from after a change, and then
 * only the notification tells that there was one.
 */
static void
note_ignore_file(struct root *root, const char *path, size_t len)
{
	if (root->watcher->taken.roots > 0 && root->looks > 0 &&
	    filter_forget(root->filter, path, len))
		root->refilter = true;
}

static bool
want(void *ctx, const char *path, size_t len, bool is_dir)
{
	struct root *root = ctx;

	note_ignore_file(root, path, len);
	return len == 0 || filter_want(root->filter, path, len, is_dir, NULL);
}

static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int names = 0;

	if (dir == NULL)
		return false;
	while (names <= 2 && (entry = readdir(dir)) != NULL)
		names++;
	closedir(dir);
	return names <= 2;
}

/*
 * An empty directory that is no mount point any more, or is on another file
 * system, where there was a tree: what is seen is the place to mount it, and
 * nothing says that the tree is deleted.
 */
static bool
accept_root(void *ctx, const struct stat *st)
{
	struct root *root = ctx;
	struct state *state = root->watcher->state;
	struct node node;
	bool other;

	if (state == NULL || !node_get(state, root->node, &node) || node.sig.ino == 0)
		return true;
	other = node.sig.size != (int64_t)st->st_dev ||
	    (node.sig.mtime != 0 && !reconcile_is_mounted(root));
	if (!other || !is_empty(root->path) || !node_has_children(state, root->node))
		return true;
	if (!root->refused)
		log_warnx(
		    "root %s: empty, and not the file system that was seen there: not "
		    "mounted? (nothing counts as deleted; waiting)",
		    root->path);
	root->refused = true;
	return false;
}

int
intake_open(struct watcher *w, struct root *root, struct legacy *legacy)
{
	static const enum fm_backend backends[] = {
		[BACKEND_AUTO] = FM_BACKEND_AUTO,
		[BACKEND_INOTIFY] = FM_BACKEND_INOTIFY,
		[BACKEND_POLL] = FM_BACKEND_POLL,
		[BACKEND_FANOTIFY] = FM_BACKEND_FANOTIFY,
	};
	const struct fm_options options = {
		.root = root->path,
		.backend = backends[w->config->backend],
		.lazy = w->state == NULL,
		.postpone = w->state != NULL,
		.pidfd = w->config->enrich & ENRICH_DOER,
		.poll_interval_ms = w->config->poll_interval_ms,
		.cross_filesystems = w->config->cross_filesystems,
		.names_only = w->state == NULL,
		.bare_dirs = true,
		.want = want,
		.accept_root = accept_root,
		.on_event = on_event,
		.ctx = root,
	};
	struct fm_stats stats;

	root->watch = legacy_watch(legacy, root, &options);
	if (root->watch == NULL)
		root->watch = fm_watch_new(&options);
	if (root->watch == NULL)
		return -1;
	if (fm_watch_root_gone(root->watch))
		root_gone(root);
	fm_watch_stats(root->watch, &stats);
	if (options.backend == FM_BACKEND_FANOTIFY && stats.backend != options.backend)
		log_warnx("watch %s: %s (watched by %s)", root->path, stats.why,
		    fm_backend_name(stats.backend));
	if (stats.backend == FM_BACKEND_POLL && w->state == NULL)
		monitor_give_state(w);
	return 0;
}

void
intake_close(struct root *root)
{
	fm_watch_free(root->watch);
	root->watch = NULL;
	scan_release(root);
	dircache_clear(&root->dirs);
}

bool
intake_read(struct watcher *w, struct root *root)
{
	int rc;

	bufferful_forget(&w->bufferful);
	root->looks = 1;
	doer_forget(&w->doer);
	rc = fm_watch_read(root->watch);
	root->looks = 0;
	fd_close(&root->fd);
	if (rc == -1)
		log_warn("watch %s: read", root->path);
	return rc == 1;
}
