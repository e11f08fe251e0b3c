/* SPDX-License-Identifier: ISC */
#include "watcher/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "watcher/control.h"
#include "watcher/dispatch.h"
#include "watcher/intake.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define SLICE_ENTRIES 256
#define SLICE_MS 10 /* of listing, then the loop looks at the rest */
#define DRAIN_READS_MAX 4096
#define COMMIT_RETRY_MS 1000
#define STOP_WAIT_MS 15000 /* for the runner, beyond what its jobs may take */
#define STDOUT_WAIT_MS 2000
#define STATUS_SIZE 160

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

struct root *
watcher_root_of(struct watcher *w, int64_t node)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (w->roots[i].node == node && node != 0)
			return &w->roots[i];
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
	for (size_t i = 0; i < w->n_roots; i++)
		fm_watch_scan(w->roots[i].watch, "", true);
	if (!w->scanning)
		w->scan_start_ms = clk_mono_ms();
	w->scanning = true;
	w->scan_changes_before = w->intake.scan_changes;
	w->incomplete = false;
	w->rescan_due_ms = -1;
	watcher_wake(w);
}

void
watcher_drain_events(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++)
		for (int n = 0; n < DRAIN_READS_MAX && intake_read(w, &w->roots[i]); n++)
			continue;
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

static void
say_ready(struct watcher *w)
{
	struct fm_stats stats;
	char text[STATUS_SIZE];
	struct event event = { .type = EVENT_STARTED, .root = w->roots[0].path };

	fm_watch_stats(w->roots[0].watch, &stats);
	event.backend = fm_backend_name(stats.backend);
	event.directories = directories(w);
	event.files = (uint64_t)w->files;
	event.ready_ms = w->ready_ms;
	evlog_add(w->log, &event, NULL);
	snprintf(text, sizeof(text),
	    "watching %lu directories and %lld files after %lld ms", directories(w),
	    (long long)w->files, (long long)w->ready_ms);
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
scan_done(struct watcher *w)
{
	int64_t now = clk_mono_ms();

	w->scanning = false;
	w->scan_took_ms = now - w->scan_start_ms;
	w->scan_wall_ns = clk_wall_ns();
	w->scan_last_changes = w->intake.scan_changes - w->scan_changes_before;
	for (size_t i = 0; i < w->n_roots; i++)
		w->roots[i].silent = false;
	if (w->state != NULL) {
		state_set_scanned(w->state);
		handlers_evaluated(w);
	}
	plan_rescan(w);
	if (w->ready)
		return;
	w->ready = true;
	w->ready_ms = now - w->start_ms;
	say_ready(w);
}

static void
scan_slice(struct watcher *w)
{
	int64_t until = clk_mono_ms() + SLICE_MS;

	for (size_t i = 0; i < w->n_roots; i++)
		while (fm_watch_step(w->roots[i].watch, SLICE_ENTRIES) &&
		    clk_mono_ms() < until)
			continue;
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

	(void)loop;
	(void)events;
	intake_read(root->watcher, root);
}

/* Watch descriptors may change (a root comes back, polling begins). */
static void
follow_fds(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		struct root *root = &w->roots[i];
		int fd = fm_watch_fd(root->watch);

		if (ev_is_active(&root->io) && root->io.fd == fd)
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

static void
recover_state(struct watcher *w, int64_t now)
{
	if (state_probe(w->state) == -1) {
		w->retry_commit_ms = now + COMMIT_RETRY_MS;
		return;
	}
	w->degraded = false;
	log_info("state: can be written again");
	state_release(w->state);
	place_forget(w, 0);
	watcher_begin_scan(w, "state.db could not be written for a while");
}

static void
finish_stop(struct watcher *w)
{
	ev_break(w->loop, EVBREAK_ALL);
}

static void
send_stop(struct watcher *w, int64_t now)
{
	const struct wire_msg msg = { .type = WIRE_STOP };

	if (w->wire == NULL) {
		finish_stop(w);
		return;
	}
	w->cut = w->n_jobs > 0;
	w->stop_sent = true;
	w->stop_due_ms = now + STOP_WAIT_MS;
	for (size_t i = 0; i < w->n_handlers; i++)
		if (w->stop_due_ms <
		    now + w->handlers[i].config->stop_grace_ms + STOP_WAIT_MS)
			w->stop_due_ms =
			    now + w->handlers[i].config->stop_grace_ms + STOP_WAIT_MS;
	wire_send(w->wire, &msg);
}

static void
continue_stop(struct watcher *w, int64_t now)
{
	if (!w->stopping)
		return;
	if (!w->stop_sent && (w->n_jobs == 0 || now >= w->stop_due_ms))
		send_stop(w, now);
	else if (w->stop_sent && now >= w->stop_due_ms)
		finish_stop(w);
}

void
watcher_stop(struct watcher *w, const char *reason)
{
	if (w->stopping)
		return;
	log_info("stopping: %s (%lld jobs running)", reason, (long long)w->n_jobs);
	notify_send("STOPPING=1");
	w->stopping = true;
	w->stop_reason = reason;
	w->stop_due_ms = clk_mono_ms() + w->config->drain_timeout_ms;
	watcher_wake(w);
}

/* What is due by time alone. */
static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct watcher *w = timer->data;
	int64_t now = clk_mono_ms();

	(void)loop;
	(void)events;
	for (size_t i = 0; i < w->n_roots; i++) {
		int64_t due = fm_watch_due(w->roots[i].watch);

		if (due >= 0 && due <= now)
			fm_watch_tick(w->roots[i].watch, now);
	}
	if (w->rescan_due_ms >= 0 && w->rescan_due_ms <= now)
		watcher_begin_scan(w, "periodic");
	if (w->unsure_due_ms >= 0 && w->unsure_due_ms <= now)
		reconcile_unsure(w);
	if (w->degraded && w->retry_commit_ms <= now)
		recover_state(w, now);
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
	int64_t due = sooner(dispatch_due(w, now), control_due(w->control));

	for (size_t i = 0; i < w->n_roots; i++)
		due = sooner(due, fm_watch_due(w->roots[i].watch));
	due = sooner(due, w->rescan_due_ms);
	due = sooner(due, w->unsure_due_ms);
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
		finish_stop(w);
}

static void
commit(struct watcher *w, int64_t now)
{
	bool committed = true;

	evlog_flush(w->log);
	look_at_reader(w);
	if (w->state == NULL)
		return;
	if (state_commit(w->state) == -1 || state_failing(w->state)) {
		committed = false;
		if (!w->degraded)
			log_errorx(
			    "state: cannot be written: %s (nothing is delivered until it "
			    "can; then the tree is compared)",
			    state_error(w->state));
		w->degraded = true;
		w->retry_commit_ms = now + COMMIT_RETRY_MS;
		place_forget(w, 0);
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
	follow_fds(w);
	if ((w->scanning || !w->ready) && !watcher_scanning(w))
		scan_done(w);
	dispatch_choose(w, now);
	commit(w, now);
	control_turn(w->control, now);
	continue_stop(w, now);
	if (watcher_scanning(w))
		ev_idle_start(loop, &w->busy);
	else
		ev_idle_stop(loop, &w->busy);
	set_timer(w);
}

static void
on_message(void *ctx, const struct wire_msg *msg)
{
	struct watcher *w = ctx;

	switch (msg->type) {
	case WIRE_READY:
		w->runner_ready = true;
		break;
	case WIRE_STARTED:
	case WIRE_ENDED:
		dispatch_message(w, msg);
		break;
	case WIRE_RELOADED:
		reload_answer(w, msg);
		break;
	case WIRE_STOPPED:
		finish_stop(w);
		break;
	default:
		log_warnx(
		    "runner: message %d makes no sense here (left out)", (int)msg->type);
	}
}

static void
on_runner_gone(void *ctx, const char *why)
{
	struct watcher *w = ctx;

	if (!w->stop_sent) {
		log_errorx("runner: gone: %s", why);
		w->exit_code = CHILD_EXIT_FATAL;
	}
	finish_stop(w);
}

static void
on_life(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct watcher *w = io->data;

	(void)loop;
	(void)events;
	log_errorx("supervisor: gone (stopping at once)");
	w->exit_code = CHILD_EXIT_FATAL;
	finish_stop(w);
}

static void
on_stop_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct watcher *w = sig->data;

	(void)loop;
	(void)events;
	if (!w->stopping) {
		watcher_stop(w, sig->signum == SIGINT ? "SIGINT" : "SIGTERM");
		return;
	}
	w->cut = w->n_jobs > 0;
	finish_stop(w);
}

static void
on_reload_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	(void)loop;
	(void)events;
	reload_begin(sig->data, NULL, NULL);
}

static void
reopen_trace(const char *path)
{
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		log_warn("trace log %s: reopen (going on with the old one)", path);
	fd_close(&fd);
}

static void
on_reopen_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct watcher *w = sig->data;
	const struct wire_msg msg = { .type = WIRE_REOPEN };

	(void)loop;
	(void)events;
	reopen_trace(w->setup.trace_log);
	evlog_rotate(w->log);
	if (w->wire != NULL)
		wire_send(w->wire, &msg);
}

static int
open_log(struct watcher *w)
{
	char *dir = w->config->state_dir == NULL
	    ? NULL
	    : xasprintf("%s/events", w->config->state_dir);
	const struct evlog_options options = {
		.dir = dir,
		.stdout_fd = w->setup.foreground && w->config->format != FORMAT_NONE
		    ? STDOUT_FILENO
		    : -1,
		.format = w->config->format,
		.loop = w->loop,
		.config = w->config,
	};

	w->log = evlog_open(&options);
	if (w->log == NULL)
		log_error("event log %s", dir == NULL ? "(stdout)" : dir);
	free(dir);
	return w->log == NULL ? -1 : 0;
}

static int
open_state(struct watcher *w)
{
	char *path;

	if (w->config->state_dir == NULL)
		return 0;
	path = xasprintf("%s/state.db", w->config->state_dir);
	w->state = state_open(path, (int)w->config->db_cache_kib);
	free(path);
	if (w->state != NULL)
		w->files = node_count_files(w->state);
	return w->state == NULL ? -1 : 0;
}

static int
open_root(struct watcher *w, struct root *root, unsigned index)
{
	root->watcher = w;
	root->index = index;
	root->path = w->config->roots.v[index];
	root->silent = w->state == NULL || state_is_new(w->state);
	root->filter = filter_new(w->config, root->path);
	root->node = w->state == NULL ? 0 : node_root(w->state, root->path);
	ev_io_init(&root->io, on_notifications, -1, EV_READ);
	root->io.data = root;
	if (intake_open(w, root) == 0)
		return 0;
	if (errno == EMFILE)
		log_error(
		    "watch %s: no inotify instance (fs.inotify.max_user_instances, or "
		    "open files)",
		    root->path);
	else
		log_error("watch %s", root->path);
	return -1;
}

static int
open_roots(struct watcher *w)
{
	w->roots = xcalloc(w->config->roots.n, sizeof(*w->roots));
	for (size_t i = 0; i < w->config->roots.n; i++) {
		if (open_root(w, &w->roots[i], (unsigned)i) == -1)
			return -1;
		w->n_roots++;
	}
	return 0;
}

static void
add_signal(struct watcher *w, struct ev_signal *sig,
    void (*fn)(struct ev_loop *, struct ev_signal *, int), int number)
{
	ev_signal_init(sig, fn, number);
	sig->data = w;
	ev_signal_start(w->loop, sig);
}

static void
start_loop(struct watcher *w)
{
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
	add_signal(w, &w->sig_term, on_stop_signal, SIGTERM);
	add_signal(w, &w->sig_int, on_stop_signal, SIGINT);
	add_signal(w, &w->sig_hup, on_reload_signal, SIGHUP);
	add_signal(w, &w->sig_usr1, on_reopen_signal, SIGUSR1);
	if (w->setup.life_fd != -1) {
		ev_io_init(&w->life_io, on_life, w->setup.life_fd, EV_READ);
		w->life_io.data = w;
		ev_io_start(w->loop, &w->life_io);
	}
}

static int
open_all(struct watcher *w)
{
	if (open_log(w) == -1 || open_state(w) == -1 || open_roots(w) == -1)
		return -1;
	handlers_build(w);
	if (w->config->control_socket != NULL) {
		w->control = control_open(w);
		if (w->control == NULL)
			return -1;
	}
	if (w->setup.wire_fd != -1)
		w->wire =
		    wire_new(w->loop, w->setup.wire_fd, on_message, on_runner_gone, w);
	return 0;
}

static void
say_stopped(struct watcher *w)
{
	struct event event = { .type = EVENT_STOPPED, .reason = w->stop_reason };

	if (w->stop_reason == NULL)
		return;
	event.root = w->roots[0].path;
	evlog_add(w->log, &event, NULL);
}

static void
close_all(struct watcher *w)
{
	if (w->log != NULL)
		say_stopped(w);
	control_close(w->control);
	for (size_t i = 0; i < w->n_roots; i++) {
		intake_close(&w->roots[i]);
		filter_free(w->roots[i].filter);
	}
	dispatch_free(w);
	handlers_release(w->handlers, w->n_handlers);
	evlog_close(w->log, STDOUT_WAIT_MS);
	state_close(w->state);
	wire_free(w->wire);
	config_free(w->reload_config);
	config_free(w->config);
	free(w->roots);
	free(w->reload_id);
	buf_release(&w->abs);
	buf_release(&w->scratch);
}

static int
check_globs(const struct strlist *list, const char *option, struct config_error *error)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *why = glob_check(list->v[i]);

		if (why == NULL)
			continue;
		snprintf(error->text, sizeof(error->text), "%s: \"%s\": %s", option,
		    list->v[i], why);
		return -1;
	}
	return 0;
}

int
watcher_check(const struct config *config, struct config_error *error)
{
	char option[128];

	if (check_globs(&config->ignore, "ignore", error) == -1 ||
	    check_globs(&config->include, "include", error) == -1)
		return -1;
	for (size_t i = 0; i < config->n_handlers; i++) {
		snprintf(option, sizeof(option), "handler %s: match",
		    config->handlers[i].name);
		if (check_globs(&config->handlers[i].match, option, error) == -1)
			return -1;
	}
	return 0;
}

int
watcher_main(const struct watcher_setup *setup)
{
	struct watcher *w = xcalloc(1, sizeof(*w));
	int code = CHILD_EXIT_FATAL;

	w->setup = *setup;
	w->config = setup->config;
	w->start_ms = w->scan_start_ms = clk_mono_ms();
	w->rescan_due_ms = w->unsure_due_ms = -1;
	w->loop = ev_default_loop(EVFLAG_NOENV);
	if (open_all(w) == 0) {
		w->unsure_due_ms = w->state == NULL ? -1 : w->start_ms;
		start_loop(w);
		ev_run(w->loop, 0);
		code = w->exit_code != 0 ? w->exit_code
		    : w->cut		 ? CHILD_EXIT_CUT
					 : CHILD_EXIT_STOPPED;
	} else if (w->setup.ready_fd != -1) {
		static const char text[] = "failed: see the trace log\n";

		fd_write_all(w->setup.ready_fd, text, sizeof(text) - 1);
	}
	close_all(w);
	free(w);
	return code;
}
