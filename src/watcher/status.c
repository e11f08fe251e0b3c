/* SPDX-License-Identifier: ISC */
/* The method status: the story in one object (doc/control-protocol.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "config.h"
#include "state/delivery.h"
#include "state/sums.h"
#include "watcher/ask.h"
#include "watcher/commands.h"
#include "watcher/confine.h"
#include "watcher/dispatch.h"
#include "watcher/health.h"
#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

#define PROC_FILE_MAX 65536

static void
number(cJSON *obj, const char *name, double value)
{
	cJSON_AddNumberToObject(obj, name, value);
}

/* The line that begins with key, in KiB; 0 where there is none. */
static long
status_value(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at == NULL ? 0 : strtol(at + strlen(key), NULL, 10);
}

struct memory {
	long rss_kib, private_kib;
};

/*
 * proc_pid_status(5), which may be read of every process: for smaps_rollup one has
 * to be let trace it, and a sandbox is not.  Pages of files, the programs' text, are
 * private or shared by who else runs the same program: they do not count as private.
 */
static struct memory
memory_of(pid_t pid)
{
	struct memory memory = { 0, 0 };
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	text = fd_read_file(path, PROC_FILE_MAX, NULL);
	if (text == NULL)
		return memory;
	memory.rss_kib = status_value(text, "\nVmRSS:");
	memory.private_kib = status_value(text, "\nRssAnon:");
	free(text);
	return memory;
}

static void
add_process(cJSON *list, const char *name, pid_t pid)
{
	struct memory memory;
	cJSON *item;

	if (pid <= 0)
		return;
	memory = memory_of(pid);
	item = cJSON_CreateObject();
	cJSON_AddStringToObject(item, "name", name);
	number(item, "pid", pid);
	number(item, "rss_kib", (double)memory.rss_kib);
	number(item, "private_kib", (double)memory.private_kib);
	cJSON_AddItemToArray(list, item);
}

static void
add_processes(struct watcher *w, cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "processes");
	long jobs = 0;

	add_process(list, "supervisor", w->setup.supervisor);
	add_process(list, "watcher", getpid());
	add_process(list, "runner", w->setup.runner);
	for (const struct job *job = w->jobs; job != NULL; job = job->next)
		if (job->pid > 0)
			jobs += memory_of((pid_t)job->pid).rss_kib;
	number(out, "jobs_memory_kib", (double)jobs);
	number(out, "renewals", w->setup.renewals);
	cJSON_AddBoolToObject(out, "taken_over", watcher_has_taken_over(w));
	if (w->taken.why[0] != '\0')
		cJSON_AddStringToObject(out, "not_taken_over", w->taken.why);
	number(out, "restarts", w->setup.restarts);
	if (w->setup.last_restart != NULL)
		cJSON_AddStringToObject(out, "last_restart", w->setup.last_restart);
}

static long
watch_limit(void)
{
	char *text = fd_read_file("/proc/sys/fs/inotify/max_user_watches", 64, NULL);
	long limit = text == NULL ? 0 : strtol(text, NULL, 10);

	free(text);
	return limit;
}

static void
add_roots(struct watcher *w, cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "watch");

	for (size_t i = 0; i < w->n_roots; i++) {
		const struct root *root = &w->roots[i];
		cJSON *item = cJSON_CreateObject();
		struct fm_stats stats;

		fm_watch_stats(root->watch, &stats);
		control_add_bytes(item, "root", root->path, strlen(root->path));
		cJSON_AddStringToObject(item, "backend", fm_backend_name(stats.backend));
		cJSON_AddStringToObject(item, "why", stats.why);
		number(item, "directories", (double)stats.dirs);
		number(item, "watches", (double)stats.watches);
		number(item, "polled", (double)stats.polled);
		number(item, "watch_limit",
		    stats.backend == FM_BACKEND_FANOTIFY ? 0 : (double)watch_limit());
		number(item, "unlisted", (double)stats.failed);
		number(item, "elsewhere", (double)stats.elsewhere);
		cJSON_AddBoolToObject(item, "gone", fm_watch_root_gone(root->watch));
		cJSON_AddBoolToObject(item, "scanning", fm_watch_scanning(root->watch));
		number(item, "to_list", (double)stats.to_list);
		number(item, "listed", (double)stats.listed);
		number(item, "postponed", (double)stats.postponed);
		number(item, "memory_bytes", (double)stats.memory);
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_events(struct watcher *w, cJSON *out)
{
	static const struct {
		const char *name;
		enum event_type type;
	} types[] = {
		{ "created", EVENT_CREATED },
		{ "modified", EVENT_MODIFIED },
		{ "deleted", EVENT_DELETED },
		{ "renamed", EVENT_RENAMED },
		{ "edited", EVENT_EDITED },
		{ "checksummed", EVENT_CHECKSUMMED },
	};
	cJSON *item = cJSON_AddObjectToObject(out, "events");
	struct evlog_stats log;
	struct fm_stats stats;
	double notifications = 0, overflows = 0, skipped = 0;

	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_stats(w->roots[i].watch, &stats);
		notifications += (double)stats.events;
		overflows += (double)stats.overflows;
		skipped += (double)stats.skipped;
	}
	evlog_stats(w->log, &log);
	number(item, "seq", (double)log.seq);
	number(item, "records", (double)log.records);
	for (size_t i = 0; i < COUNTOF(types); i++)
		number(item, types[i].name, (double)log.by_type[types[i].type]);
	number(item, "gaps", (double)w->intake.gaps);
	number(item, "suppressed", (double)w->intake.suppressed);
	number(item, "unseen", (double)w->intake.unseen);
	number(item, "notifications", notifications);
	number(item, "overflows", overflows);
	number(item, "skipped", skipped);
	number(item, "dropped", (double)log.dropped);
	stream_status(w->stream, item, out);
	cJSON_AddBoolToObject(item, "failing", log.failing);
}

static void
add_last_error(cJSON *out, const struct handler_stats *stats)
{
	cJSON *error;

	if (stats->last_path == NULL)
		return;
	error = cJSON_AddObjectToObject(out, "last_error");
	control_add_bytes(error, "path", stats->last_path, strlen(stats->last_path));
	control_add_bytes(
	    error, "outcome", stats->last_outcome, strlen(stats->last_outcome));
	control_add_time(error, "at", stats->last_wall_ns);
}

static cJSON *
handler_object(
    struct watcher *w, const struct handler *handler, int64_t pending, int64_t dead)
{
	const struct handler_stats *stats = &handler->stats;
	int64_t until = breaker_due(&handler->breaker);
	int64_t now = clk_mono_ms();
	cJSON *out = cJSON_CreateObject();

	(void)w;
	cJSON_AddStringToObject(out, "name", handler->config->name);
	number(out, "jobs", (double)handler->config->jobs);
	number(out, "running", (double)dispatch_running(handler));
	number(out, "pending", (double)pending);
	number(out, "dead", (double)dead);
	number(out, "runs", (double)stats->runs);
	number(out, "ok", (double)stats->ok);
	number(out, "retries", (double)stats->retries);
	number(out, "timeouts", (double)stats->timeouts);
	number(out, "rejected", (double)stats->rejected);
	number(out, "faults", (double)stats->faults);
	number(out, "loops", (double)stats->loops);
	number(out, "suppressed_same_content", (double)stats->same);
	cJSON_AddStringToObject(
	    out, "breaker", breaker_state_name(handler->breaker.state));
	if (until >= 0)
		number(out, "breaker_in_ms", until > now ? (double)(until - now) : 0);
	cJSON_AddBoolToObject(out, "paused", handler->paused);
	add_last_error(out, stats);
	return out;
}

static const char *
handler_name(const struct watcher *w, int64_t id)
{
	for (size_t i = 0; i < w->n_handlers; i++)
		if (w->handlers[i].id == id)
			return w->handlers[i].config->name;
	return "";
}

/* Paths that cool down, since the runs for them keep changing them. */
static void
add_loops(struct watcher *w, cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "loops"), *item;
	int64_t now = clk_mono_ms();

	for (size_t i = 0; i < w->loops.n; i++) {
		const struct loop *loop = &w->loops.v[i];

		if (loop->until_ms <= now)
			continue;
		item = cJSON_CreateObject();
		node_path(w->state, loop->node, &w->scratch);
		control_add_bytes(item, "path", w->scratch.p, w->scratch.len);
		cJSON_AddStringToObject(item, "handler", handler_name(w, loop->handler));
		number(item, "runs", (double)loop->runs);
		number(item, "in_ms", (double)(loop->until_ms - now));
		cJSON_AddItemToArray(list, item);
	}
}

/* Not what is in the runner's hand until a slot is free. */
static int64_t
running(const struct watcher *w)
{
	int64_t n = 0;

	for (size_t i = 0; i < w->n_handlers; i++)
		n += dispatch_running(&w->handlers[i]);
	for (const struct job *job = w->jobs; job != NULL; job = job->next)
		n += job->handler == NULL; /* its section went */
	return n;
}

static void
add_queue(struct watcher *w, cJSON *out)
{
	int64_t all_pending = 0, all_dead = 0, oldest = -1;
	cJSON *queue = cJSON_AddObjectToObject(out, "queue");
	cJSON *list = cJSON_AddArrayToObject(out, "handlers");

	for (size_t i = 0; w->state != NULL && i < w->n_handlers; i++) {
		struct handler *handler = &w->handlers[i];
		int64_t pending = delivery_count_pending(w->state, handler->id);
		int64_t dead = delivery_count_dead(w->state, handler->id);
		int64_t since = delivery_oldest(w->state, handler->id);

		all_pending += pending;
		all_dead += dead;
		if (since >= 0 && (oldest < 0 || since < oldest))
			oldest = since;
		cJSON_AddItemToArray(list, handler_object(w, handler, pending, dead));
	}
	number(queue, "pending", (double)all_pending);
	number(queue, "running", (double)running(w));
	number(queue, "dead", (double)all_dead);
	if (oldest >= 0)
		number(queue, "oldest_pending_ms", (double)(clk_mono_ms() - oldest));
	else
		cJSON_AddNullToObject(queue, "oldest_pending_ms");
}

static void
add_state(struct watcher *w, cJSON *out)
{
	cJSON *item;

	if (w->state == NULL || w->config->state_dir == NULL)
		return;
	item = cJSON_AddObjectToObject(out, "state");
	buf_reset(&w->scratch);
	buf_addf(&w->scratch, "%s/state.db", w->config->state_dir);
	control_add_bytes(item, "path", w->scratch.p, w->scratch.len);
	number(item, "bytes", (double)state_bytes(w->state));
	cJSON_AddBoolToObject(item, "failing", state_failing(w->state));
	if (state_failing(w->state))
		cJSON_AddStringToObject(item, "error", state_error(w->state));
}

static void
add_checksums(struct watcher *w, cJSON *out)
{
	struct ask_stats stats;
	cJSON *item;

	if (w->asks == NULL)
		return;
	asks_stats(w->asks, &stats);
	item = cJSON_AddObjectToObject(out, "checksums");
	number(item, "asked", (double)stats.asked);
	number(item, "read", (double)stats.read);
	number(item, "failed", (double)stats.failed);
	number(item, "unavailable", (double)stats.unavailable);
	number(item, "waiting", (double)sums_count_wanted(w->state));
	number(item, "asking", (double)stats.now);
	cJSON_AddBoolToObject(item, "away", stats.away);
}

static void
add_scan(struct watcher *w, cJSON *out)
{
	cJSON *item = cJSON_AddObjectToObject(out, "scan");
	int64_t now = clk_mono_ms();

	if (w->scan_wall_ns != 0) {
		control_add_time(item, "last_at", w->scan_wall_ns);
		number(item, "last_ms", (double)w->scan_took_ms);
		number(item, "last_changes", (double)w->scan_last_changes);
	}
	if (w->rescan_due_ms >= 0)
		number(item, "next_in_ms",
		    w->rescan_due_ms > now ? (double)(w->rescan_due_ms - now) : 0);
}

static void
add_head(struct watcher *w, cJSON *out)
{
	cJSON *reasons = cJSON_CreateArray();
	enum health health = health_of(w, reasons);
	cJSON *paused;

	cJSON_AddStringToObject(out, "version", PACKAGE_VERSION);
	control_add_bytes(out, "project", w->config->project, strlen(w->config->project));
	control_add_bytes(
	    out, "state_dir", w->config->state_dir, strlen(w->config->state_dir));
	if (w->config->file != NULL)
		control_add_bytes(
		    out, "config", w->config->file, strlen(w->config->file));
	cJSON_AddStringToObject(out, "health", health_name(health));
	cJSON_AddItemToObject(out, "reasons", reasons);
	cJSON_AddBoolToObject(out, "ready", w->ready);
	cJSON_AddBoolToObject(out, "stopping", w->stopping && !w->renewing);
	cJSON_AddBoolToObject(out, "restarting", w->renewing);
	paused = cJSON_AddArrayToObject(out, "paused");
	for (size_t i = 0; i < w->n_handlers; i++)
		if (w->handlers[i].paused)
			cJSON_AddItemToArray(
			    paused, cJSON_CreateString(w->handlers[i].config->name));
	number(out, "uptime_ms", (double)(clk_mono_ms() - w->setup.started_mono_ms));
	control_add_time(out, "started_at", w->setup.started_wall_ns);
	number(out, "ready_ms", (double)w->ready_ms);
}

void
status_command(struct request *request)
{
	cJSON *out = cJSON_CreateObject();

	add_head(request->w, out);
	add_processes(request->w, out);
	confine_status(request->w, out);
	add_roots(request->w, out);
	number(out, "files", (double)request->w->files);
	add_events(request->w, out);
	add_queue(request->w, out);
	followers_status(request->w, out);
	add_loops(request->w, out);
	cJSON_AddStringToObject(out, "limits", request->w->limits);
	add_state(request->w, out);
	add_checksums(request->w, out);
	add_scan(request->w, out);
	control_reply(request->conn, request->id, out);
}
