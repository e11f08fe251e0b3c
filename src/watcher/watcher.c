/* SPDX-License-Identifier: ISC */
#include "watcher/watcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "enrich/git.h"
#include "watcher/ask.h"
#include "watcher/confine.h"
#include "watcher/control.h"
#include "watcher/dispatch.h"
#include "watcher/health.h"
#include "watcher/intake.h"
#include "watcher/keep.h"
#include "watcher/legacy.h"
#include "watcher/life.h"
#include "watcher/opening.h"
#include "watcher/place.h"
#include "watcher/spare.h"
#include "watcher/stream.h"
#include "watcher/turn.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

/* A read of a queue that has more than this takes at least as much. */
#define DRAIN_READ (32 * 1024)
/* fanotify counts the heads of its notifications, not the handles after them. */
#define DRAIN_UNCOUNTED 20
#define STDOUT_WAIT_MS 2000
#define STATUS_SIZE 160
#define LOOKS_TO_OPEN 8

const char *
watcher_abs(struct watcher *w, const struct root *root, const char *rel, size_t len)
{
	buf_reset(&w->abs);
	buf_adds(&w->abs, root->path);
	if (len > 0) {
		if (w->abs.p[w->abs.len - 1] != '/')
			buf_addc(&w->abs, '/');
		buf_add(&w->abs, rel, len);
	}
	return w->abs.p;
}

/* Is it worth it to have the root open?  Only for a bufferful: nothing below it
   can be unmounted meanwhile. */
static bool
is_open(struct root *root)
{
	if (root->looks == 0)
		return false;
	if (root->fd == -1 && root->looks++ == LOOKS_TO_OPEN)
		root->fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root->fd != -1;
}

int
watcher_lstat(
    struct watcher *w, struct root *root, const char *rel, size_t len, struct stat *st)
{
	const char *abs = watcher_abs(w, root, rel, len);

	if (len == 0 || !is_open(root))
		return fd_lstatat(AT_FDCWD, abs, st);
	return fd_lstatat(root->fd, abs + w->abs.len - len, st);
}

struct root *
watcher_root_of(struct watcher *w, int64_t node)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (w->roots[i].node == node && node != 0)
			return &w->roots[i];
	return NULL;
}

struct root *
watcher_root_above(struct watcher *w, const struct buf *abs, size_t *skip)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		size_t len = strlen(w->roots[i].path);

		if (strcmp(w->roots[i].path, "/") == 0)
			len = 0;
		if (abs->len >= len && memcmp(abs->p, w->roots[i].path, len) == 0 &&
		    (abs->p[len] == '\0' || abs->p[len] == '/')) {
			*skip = len + (abs->p[len] == '/');
			return &w->roots[i];
		}
	}
	return NULL;
}

bool
watcher_scanning(const struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (fm_watch_scanning(w->roots[i].watch))
			return true;
	return false;
}

void
watcher_begin_scan(struct watcher *w, const char *why)
{
	log_info("scan: comparing the tree with what was seen: %s", why);
	w->incomplete = false;
	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_scan(w->roots[i].watch, "", true);
		w->incomplete |= fm_watch_root_gone(w->roots[i].watch);
	}
	if (!w->scanning)
		w->scan_start_ms = clk_mono_ms();
	w->scanning = true;
	w->scan_changes_before = w->intake.scan_changes;
	w->rescan_due_ms = -1;
	watcher_wake(w);
}

/* So many reads take what is there now. */
static size_t
reads_of(const struct fm_watch *watch)
{
	size_t unread = fm_watch_unread(watch);

	if (fm_watch_backend(watch) == FM_BACKEND_FANOTIFY)
		unread *= DRAIN_UNCOUNTED;
	return unread / DRAIN_READ + 1;
}

/* Not what comes meanwhile: that may have no end. */
void
watcher_drain_events(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		size_t reads = reads_of(w->roots[i].watch);

		while (reads-- > 0 && intake_read(w, &w->roots[i]))
			continue;
	}
}

/* Hourly by default, give or take a quarter, so that many daemons spread. */
static void
plan_rescan(struct watcher *w)
{
	int64_t every = w->config->rescan_ms;

	w->rescan_due_ms = -1;
	if (every > 0 && w->state != NULL)
		w->rescan_due_ms = clk_mono_ms() + every * 3 / 4 +
		    (int64_t)arc4random_uniform(
			(uint32_t)(every / 2 > UINT32_MAX ? UINT32_MAX : every / 2 + 1));
	/* However often it is restarted, the tree is compared when it was to be. */
	if (w->rescan_due_ms >= 0 && !w->ready && watcher_has_taken_over(w) &&
	    w->taken.rescan_due_ms >= 0)
		w->rescan_due_ms = w->taken.rescan_due_ms;
}

static unsigned long
directories(const struct watcher *w)
{
	unsigned long n = 0;
	struct fm_stats stats;

	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_stats(w->roots[i].watch, &stats);
		n += stats.dirs;
	}
	return n;
}

bool
watcher_has_taken_over(const struct watcher *w)
{
	return w->taken.roots > 0 && w->taken.roots == w->n_roots;
}

static void
say_ready(struct watcher *w)
{
	char text[STATUS_SIZE];
	struct event event = { .type = EVENT_STARTED, .root = w->roots[0].path };

	event.backend = fm_backend_name(fm_watch_backend(w->roots[0].watch));
	event.directories = directories(w);
	event.files = (uint64_t)w->files;
	event.ready_ms = w->ready_ms;
	event.handover = watcher_has_taken_over(w);
	stream_put(w->stream, &event);
	snprintf(text, sizeof(text), "watching %lu %s and %lld %s after %lld ms%s",
	    directories(w), directories(w) == 1 ? "directory" : "directories",
	    (long long)w->files, w->files == 1 ? "file" : "files", (long long)w->ready_ms,
	    event.handover ? " (watches taken over)" : "");
	log_info("ready: %s by %s", text, event.backend);
	notify_send("READY=1\nSTATUS=%s", text);
	if (w->setup.ready_fd == -1)
		return;
	buf_reset(&w->scratch);
	buf_addf(&w->scratch, "ready %s\n", text);
	fd_write_all(w->setup.ready_fd, w->scratch.p, w->scratch.len);
	fd_close(&w->setup.ready_fd);
}

static void
note_scan(struct watcher *w, int64_t now)
{
	w->scan_took_ms = now - w->scan_start_ms;
	w->scan_wall_ns = clk_wall_ns();
	w->scan_last_changes = w->intake.scan_changes - w->scan_changes_before;
}

void
watcher_scan_done(struct watcher *w)
{
	int64_t now = clk_mono_ms();

	if (w->scanning || !watcher_has_taken_over(w))
		note_scan(w, now);
	w->scanning = false;
	if (!w->degraded)
		w->recover_wait_ms = 0;
	for (size_t i = 0; i < w->n_roots; i++)
		w->roots[i].silent = false;
	if (w->state != NULL) {
		state_set_scanned(w->state);
		handlers_evaluated(w);
	}
	plan_rescan(w);
	spare_from(w, now);
	if (w->ready) {
		place_uncache(w, 0); /* the scan has pushed out what events need */
		return;
	}
	w->ready = true;
	w->ready_ms = now - w->start_ms;
	say_ready(w);
}

/* What came while nobody read is read before anything else: then it is ready. */
static void
catch_up(struct watcher *w)
{
	bool evaluate = false;

	if (w->taken.roots == 0)
		return;
	for (size_t i = 0; i < w->n_handlers; i++)
		evaluate = evaluate || w->handlers[i].evaluate;
	if (evaluate)
		watcher_begin_scan(w, "a handler is new or was changed");
	watcher_drain_events(w);
}

void
watcher_note_seq(struct watcher *w)
{
	struct evlog_stats stats;

	evlog_stats(w->log, &stats);
	if (w->state == NULL || stats.seq == w->noted_seq)
		return;
	w->noted_seq = stats.seq;
	state_set_seq(w->state, (int64_t)stats.seq);
}

static void
say_stopped(struct watcher *w)
{
	struct event event = { .type = EVENT_STOPPED, .reason = w->stop_reason };

	if (w->stop_reason == NULL)
		return;
	event.root = w->roots[0].path;
	stream_put(w->stream, &event);
}

/* What was seen is all there is, and on disk: so the watches may be left to another. */
static void
leave(struct watcher *w, bool at_rest)
{
	const char *why = NULL;

	evlog_flush(w->log);
	if (!at_rest)
		why = "the tree does not come to rest";
	else if (!w->ready || w->scanning)
		why = "a scan is under way";
	else if (w->incomplete)
		why = "not all could be looked at";
	else if (w->degraded || state_commit(w->state) == -1 || state_failing(w->state))
		why = "state.db cannot be written";
	if (why == NULL)
		legacy_leave(w);
	else
		log_info("hand-over: none: %s (the tree will be compared)", why);
}

static void
close_all(struct watcher *w)
{
	/* To a new filemond, or to the service manager, which may start one. */
	bool leaves = (w->renewing || (w->stopping && notify_is_there())) &&
	    w->exit_code == 0 && w->state != NULL && w->setup.hand_fd != -1;

	bool at_rest = leaves && turn_rest(w);

	if (w->stream != NULL) {
		stream_flush(w->stream);
		say_stopped(w);
		watcher_note_seq(w);
		stream_keep(w->stream);
	}
	if (leaves)
		leave(w, at_rest);
	control_close(w->control);
	waiters_free(w->waiters);
	for (size_t i = 0; i < w->n_roots; i++) {
		intake_close(&w->roots[i]);
		filter_free(w->roots[i].filter);
	}
	dispatch_free(w);
	keep_free(w->keep);
	asks_free(w->asks);
	handlers_release(w->handlers, w->n_handlers);
	followers_release(w);
	stream_free(w->stream);
	free(w->token_tags);
	free(w->token_error);
	evlog_close(w->log, STDOUT_WAIT_MS);
	life_close(w);
	wire_free(w->wire);
	config_free(w->reload_config);
	config_free(w->config);
	free(w->roots);
	free(w->reload_id);
	free(w->reload_refused);
	buf_release(&w->doer.json);
	git_free(w->git);
	buf_release(&w->abs);
	buf_release(&w->scratch);
	buf_release(&w->stored.path);
}

static int
exit_code(const struct watcher *w)
{
	if (w->exit_code != 0)
		return w->exit_code;
	if (w->renewing)
		return CHILD_EXIT_RENEW;
	return w->cut ? CHILD_EXIT_CUT : CHILD_EXIT_STOPPED;
}

int
watcher_main(const struct watcher_setup *setup)
{
	struct watcher *w = xcalloc(1, sizeof(*w));
	int code = CHILD_EXIT_FATAL;

	w->setup = *setup;
	w->config = setup->config;
	w->start_ms = w->scan_start_ms = clk_mono_ms();
	w->rescan_due_ms = w->unsure_due_ms = w->spare_ms = -1;
	w->loop = ev_default_loop(EVFLAG_NOENV);
	loop_sleep_long(w->loop);
	if (opening_all(w) == 0) {
		log_info("created: %zu %s (%s)", w->n_roots,
		    w->n_roots == 1 ? "root" : "roots",
		    watcher_has_taken_over(w) ? "their watches were taken over"
					      : "their directories are listed now");
		w->unsure_due_ms = w->state == NULL ? -1 : w->start_ms;
		health_say_enrich(w);
		turn_start(w);
		life_start(w);
		confine_watcher(w);
		catch_up(w);
		ev_run(w->loop, 0);
		code = exit_code(w);
	} else if (w->setup.ready_fd != -1) {
		static const char text[] = "failed: see the trace log\n";

		fd_write_all(w->setup.ready_fd, text, sizeof(text) - 1);
	}
	close_all(w);
	free(w);
	return code;
}
