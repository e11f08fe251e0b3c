/* SPDX-License-Identifier: ISC */
#include "watcher/turn.h"

#include <poll.h>

#include "base/clk.h"
#include "base/log.h"
#include "enrich/git.h"
#include "watcher/ask.h"
#include "watcher/dispatch.h"
#include "watcher/intake.h"
#include "watcher/keep.h"
#include "watcher/life.h"
#include "watcher/opening.h"
#include "watcher/place.h"
#include "watcher/spare.h"
#include "watcher/stream.h"
#include "watcher/undo.h"
#include "watcher/unsure.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

#define SLICE_ENTRIES 256
#define SLICE_NS 4000000 /* of listing; who asks something may have to wait for two */
#define SLICE_REST_NS 20000000 /* between two, while notifications wait to be read */
#define RECOVER_MIN_MS 1000    /* while the state cannot be written, later and later */
#define RECOVER_MAX_MS 30000
#define REST_MS 2000
#define REST_PAUSE_MS 2
#define COMMIT_GATHER_MS 100 /* in a storm */

/* While notifications wait to be read there is less of it, so that none are lost;
   never nothing, since they may wait for ever. */
static bool
must_read_first(struct root *root, int64_t now)
{
	if (root->watcher->ready && root->more && now - root->listed_ns < SLICE_REST_NS)
		return true;
	root->listed_ns = now;
	return false;
}

static void
scan_slice(struct watcher *w)
{
	int64_t now = clk_mono_ns();

	for (size_t i = 0; i < w->n_roots; i++) {
		struct root *root = &w->roots[i];
		unsigned entries = root->more ? SLICE_ENTRIES / 2 : SLICE_ENTRIES;

		if (must_read_first(root, now))
			continue;
		while (fm_watch_step(root->watch, entries) && !root->more &&
		    clk_mono_ns() < now + SLICE_NS)
			continue;
	}
}

static void
on_busy(struct ev_loop *loop, struct ev_idle *idle, int events)
{
	struct watcher *w = idle->data;

	(void)loop;
	(void)events;
	scan_slice(w);
}

static void
on_notifications(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct root *root = io->data;
	int64_t wait;

	(void)events;
	if (!root->busy)
		evlog_hurry(root->watcher->log);
	root->busy = root->more = intake_read(root->watcher, root);
	if (root->more)
		return;
	wait = pace_next_ns(&root->pace, clk_mono_ns());
	if (wait == 0)
		return;
	root->busy = true;
	ev_io_stop(loop, io);
	ev_timer_set(&root->pause, (double)wait / 1e9, 0.);
	ev_timer_start(loop, &root->pause);
}

/* follow_fds goes on with the reading, in this turn. */
static void
on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

/*
 * Watch descriptors may change (a root comes back, polling begins).  The plain
 * monitor has nobody but the reader of stdout: while that does not keep up, what
 * happens waits in the kernel's queue, which tells of what it had no room for.
 */
static void
follow_fds(struct watcher *w)
{
	bool wait = w->config->state_dir == NULL && evlog_clogged(w->log);

	for (size_t i = 0; i < w->n_roots; i++) {
		struct root *root = &w->roots[i];
		int fd = wait ? -1 : fm_watch_fd(root->watch);

		if (ev_is_active(&root->pause) ||
		    (ev_is_active(&root->io) && root->io.fd == fd))
			continue;
		ev_io_stop(w->loop, &root->io);
		if (fd == -1)
			continue;
		ev_io_set(&root->io, fd, EV_READ);
		ev_io_start(w->loop, &root->io);
	}
}

static void
refilter_roots(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		if (filter_take_changed(w->roots[i].filter))
			w->roots[i].refilter = true;
		if (!w->roots[i].refilter)
			continue;
		w->roots[i].refilter = false;
		fm_watch_refilter(w->roots[i].watch);
	}
}

/*
 * The next attempt to write the state.  A small commit may work where the scan
 * that follows it fails again, and records what differs once more each time; so
 * the wait is short again only when a scan went through.
 */
static void
plan_recovery(struct watcher *w, int64_t now)
{
	int64_t wait = w->recover_wait_ms * 2;

	if (wait < RECOVER_MIN_MS)
		wait = RECOVER_MIN_MS;
	w->recover_wait_ms = wait < RECOVER_MAX_MS ? wait : RECOVER_MAX_MS;
	w->retry_commit_ms = now + w->recover_wait_ms;
}

static void
recover_state(struct watcher *w, int64_t now)
{
	if (state_probe(w->state) == -1) {
		plan_recovery(w, now);
		return;
	}
	w->degraded = false;
	log_info("state: can be written again");
	state_release(w->state);
	place_uncache(w, 0);
	opening_rows(w);
	w->files = node_count_files(w->state); /* what was counted was taken back */
	stream_flush(w->stream);
	undo_failed(w);
	watcher_begin_scan(w, "state.db could not be written for a while");
}

static void
tick_roots(struct watcher *w, int64_t now)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		int64_t due = fm_watch_due(w->roots[i].watch);

		if (due >= 0 && due <= now)
			fm_watch_tick(w->roots[i].watch, now);
	}
}

/* What is due by time alone. */
static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct watcher *w = timer->data;
	int64_t now = clk_mono_ms();

	(void)loop;
	(void)events;
	tick_roots(w, now);
	if (w->rescan_due_ms >= 0 && w->rescan_due_ms <= now)
		watcher_begin_scan(w, "periodic");
	if (w->unsure_due_ms >= 0 && w->unsure_due_ms <= now)
		unsure_look(w);
	if (w->degraded && w->retry_commit_ms <= now)
		recover_state(w, now);
	stream_tick(w->stream, now);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int64_t
next_due(struct watcher *w, int64_t now)
{
	int64_t due = sooner(dispatch_due(w, now), waiters_due(w->waiters));

	for (size_t i = 0; i < w->n_roots; i++)
		due = sooner(due, fm_watch_due(w->roots[i].watch));
	due = sooner(due, ask_due(w, now));
	due = sooner(due, w->rescan_due_ms);
	due = sooner(due, w->unsure_due_ms);
	due = sooner(due, keep_due(w->keep));
	due = sooner(due, stream_due(w->stream));
	if (w->degraded)
		due = sooner(due, w->retry_commit_ms);
	if (w->stopping)
		due = sooner(due, w->stop_due_ms);
	return due;
}

void
watcher_wake(struct watcher *w)
{
	ev_timer_stop(w->loop, &w->timer);
	ev_timer_set(&w->timer, 0., 0.);
	ev_timer_start(w->loop, &w->timer);
}

static void
set_timer(struct watcher *w)
{
	int64_t now = clk_mono_ms(), due = next_due(w, now);

	spare_turn(w, now, due);
	due = sooner(due, spare_due(w));
	ev_timer_stop(w->loop, &w->timer);
	if (due < 0)
		return;
	ev_now_update(w->loop);
	ev_timer_set(&w->timer, due <= now ? 0. : (double)(due - now) / 1000., 0.);
	ev_timer_start(w->loop, &w->timer);
}

/* Whoever read the plain monitor's records has gone: as cat(1) and its like do. */
static void
look_at_reader(struct watcher *w)
{
	struct evlog_stats stats;

	evlog_stats(w->log, &stats);
	if (stats.stdout_closed && w->config->state_dir == NULL)
		life_end(w);
}

/* Does the next turn come at once, with more of the same? */
static bool
more_follows(const struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (w->roots[i].more || ev_is_active(&w->roots[i].pause))
			return true;
	return watcher_scanning(w);
}

/* The transaction may take in the next turn too where nobody waits for it.
   What a crash takes back is less than what it leaves unread in the kernel. */
static bool
may_gather(const struct watcher *w, int64_t now)
{
	return now - w->committed_ms < COMMIT_GATHER_MS && !w->promised && !w->stopping &&
	    !state_failing(w->state) && !dispatch_unsent(w) && more_follows(w);
}

static void
commit(struct watcher *w, int64_t now)
{
	bool committed = true;

	git_forget(w->git);
	evlog_flush(w->log);
	followers_turn(w);
	look_at_reader(w);
	if (w->state == NULL || may_gather(w, now))
		return;
	w->committed_ms = now;
	w->promised = false;
	watcher_note_seq(w);
	stream_keep(w->stream);
	if (state_commit(w->state) == -1 || state_failing(w->state)) {
		committed = false;
		w->noted_seq = 0;
		stream_not_kept(w->stream);
		if (!w->degraded)
			log_errorx(
			    "state: cannot be written: %s (nothing is delivered until it "
			    "can; then the tree is compared)",
			    state_error(w->state));
		if (!w->degraded)
			plan_recovery(w, now);
		w->degraded = true;
		place_uncache(w, 0);
		if (state_condemn(w->state)) {
			w->exit_code = CHILD_EXIT_AGAIN;
			life_end(w);
		}
	}
	dispatch_send(w, committed);
}

/* Before the loop sleeps: the log first, then the state, then what follows from it. */
static void
on_flush(struct ev_loop *loop, struct ev_prepare *prepare, int events)
{
	struct watcher *w = prepare->data;
	int64_t now = clk_mono_ms();

	(void)events;
	refilter_roots(w);
	if ((w->scanning || !w->ready) && !watcher_scanning(w))
		watcher_scan_done(w);
	ask_choose(w, now);
	dispatch_choose(w, now);
	commit(w, now);
	follow_fds(w);
	keep_turn(w->keep, now);
	waiters_turn(w->waiters, now);
	life_look(w);
	life_continue(w, now);
	if (watcher_scanning(w))
		ev_idle_start(loop, &w->busy);
	else
		ev_idle_stop(loop, &w->busy);
	set_timer(w);
}

static bool
is_at_rest(const struct watcher *w)
{
	struct fm_stats stats;

	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_stats(w->roots[i].watch, &stats);
		if (stats.backend != FM_BACKEND_INOTIFY)
			return true; /* which cannot be handed over: no need to wait */
		if (stats.held || fm_watch_scanning(w->roots[i].watch))
			return false;
	}
	return true;
}

bool
turn_rest(struct watcher *w)
{
	int64_t now = clk_mono_ms(), until = now + REST_MS;

	for (; now < until; now = clk_mono_ms()) {
		watcher_drain_events(w);
		refilter_roots(w);
		if (is_at_rest(w))
			return true;
		scan_slice(w);
		tick_roots(w, now);
		if (!watcher_scanning(w))
			poll(NULL, 0, REST_PAUSE_MS);
	}
	return false;
}

void
turn_start(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		ev_io_init(&w->roots[i].io, on_notifications, -1, EV_READ);
		w->roots[i].io.data = &w->roots[i];
		ev_init(&w->roots[i].pause, on_pause_over);
	}
	ev_timer_init(&w->timer, on_timer, 0., 0.);
	w->timer.data = w;
	ev_prepare_init(&w->flush, on_flush);
	w->flush.data = w;
	ev_prepare_start(w->loop, &w->flush);
	/* At the highest priority it runs every turn, beside what else there is:
	   neither listing nor notifications wait for the other to end. */
	ev_idle_init(&w->busy, on_busy);
	ev_set_priority(&w->busy, EV_MAXPRI);
	w->busy.data = w;
}
