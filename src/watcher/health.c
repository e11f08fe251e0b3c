/* SPDX-License-Identifier: ISC */
#include "watcher/health.h"

#include <stdio.h>
#include <string.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/log.h"
#include "enrich/process.h"
#include "state/delivery.h"
#include "watcher/ask.h"
#include "watcher/scan.h"
#include "watcher/watcher_priv.h"

#define PATH_SHOWN 200

struct verdict {
	enum health health;
	cJSON *reasons;
};

static void PRINTF_LIKE(3, 4)
    add(struct verdict *verdict, enum health health, const char *fmt, ...)
{
	char text[512];
	struct buf json = BUF_INIT;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (health > verdict->health)
		verdict->health = health;
	buf_add_json(&json, text, strlen(text)); /* paths may be any bytes */
	cJSON_AddItemToArray(verdict->reasons, cJSON_CreateRaw(json.p));
	buf_release(&json);
}

/* Which they are is in the trace log; one shows the way. */
static void
judge_unlisted(struct verdict *verdict, struct root *root, unsigned long n)
{
	char path[PATH_SHOWN], others[48] = "";
	int error;

	if (n == 0 || fm_watch_failed(root->watch, path, sizeof(path)) == -1)
		return;
	error = scan_try(root, path, strlen(path));
	if (n > 1)
		snprintf(others, sizeof(others), " and %lu other %s", n - 1,
		    n == 2 ? "directory" : "directories");
	add(verdict, HEALTH_DEGRADED,
	    "%s%s cannot be listed%s%s (what happens there is not seen)",
	    watcher_abs(root->watcher, root, path, strlen(path)), others,
	    error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
}

/* Of more than one cause, the one that can be helped. */
static void
judge_polled(struct verdict *verdict, const struct fm_stats *stats)
{
	if (stats->backend != FM_BACKEND_INOTIFY || stats->polled == 0)
		return;
	add(verdict, HEALTH_DEGRADED, "%lu %s polled: %s", stats->polled,
	    stats->polled == 1 ? "directory is" : "directories are",
	    stats->limited > 0 ? "fs.inotify.max_user_watches is used up"
			       : "no watch can be had there (the trace log says why)");
}

static void
judge_root(struct verdict *verdict, struct root *root)
{
	struct fm_stats stats;

	fm_watch_stats(root->watch, &stats);
	if (fm_watch_root_gone(root->watch))
		add(verdict, HEALTH_UNHEALTHY, "root %s is gone", root->path);
	else
		judge_polled(verdict, &stats);
	judge_unlisted(verdict, root, stats.failed);
}

static void
judge_handler(struct verdict *verdict, struct watcher *w, const struct handler *handler)
{
	int64_t dead = delivery_count_dead(w->state, handler->id);

	if (handler->breaker.state != BREAKER_CLOSED)
		add(verdict, HEALTH_UNHEALTHY, "handler %s: breaker %s: %s",
		    handler->config->name, breaker_state_name(handler->breaker.state),
		    handler->stats.last_outcome);
	if (handler->paused)
		add(verdict, HEALTH_DEGRADED, "handler %s: paused",
		    handler->config->name);
	if (dead > 0)
		add(verdict, HEALTH_DEGRADED, "handler %s: %lld dead",
		    handler->config->name, (long long)dead);
}

static void
judge_follower(struct verdict *verdict, const struct follower *follower)
{
	if (strcmp(follower->state, "backoff") == 0 || follower->error[0] != '\0')
		add(verdict, HEALTH_DEGRADED, "sink %s: %s", follower->name,
		    follower->error);
}

static void
judge_loops(struct verdict *verdict, struct watcher *w)
{
	int64_t now = clk_mono_ms(), cooling = 0;

	for (size_t i = 0; i < w->loops.n; i++)
		cooling += w->loops.v[i].until_ms > now;
	if (cooling > 0)
		add(verdict, HEALTH_DEGRADED, "%lld %s changed by the runs for %s",
		    (long long)cooling, cooling == 1 ? "path is" : "paths are",
		    cooling == 1 ? "it" : "them");
}

bool
health_uses_fanotify(const struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (fm_watch_backend(w->roots[i].watch) == FM_BACKEND_FANOTIFY)
			return true;
	return false;
}

/* false, or true with a text. */
static bool
lacks_enrich(const struct watcher *w, char *text, size_t size)
{
	static const struct {
		unsigned bit;
		const char *name;
	} kinds[] = { { ENRICH_PROCESS, "process" }, { ENRICH_USER, "user" },
		{ ENRICH_SESSION, "session" } };
	struct buf names = BUF_INIT;

	if ((w->config->enrich & ENRICH_DOER) == 0 || health_uses_fanotify(w))
		return false;
	for (size_t i = 0; i < COUNTOF(kinds); i++)
		if (w->config->enrich & kinds[i].bit)
			buf_addf(
			    &names, "%s%s", names.len > 0 ? ", " : "", kinds[i].name);
	snprintf(text, size, "enrich %s: only with backend = fanotify", names.p);
	buf_release(&names);
	return true;
}

/* Nothing is wrong with what is done; what was asked for is not all done. */
static void
judge_enrich(struct verdict *verdict, const struct watcher *w)
{
	char text[128];

	if (lacks_enrich(w, text, sizeof(text)))
		add(verdict, HEALTH_HEALTHY, "%s", text);
}

void
health_say_enrich(const struct watcher *w)
{
	char text[128];

	if (lacks_enrich(w, text, sizeof(text)))
		log_warnx("%s", text);
}

enum health
health_of(struct watcher *w, cJSON *reasons)
{
	struct verdict verdict = { .reasons = reasons };
	struct evlog_stats log;
	struct ask_stats asks;

	evlog_stats(w->log, &log);
	if (w->state != NULL && state_failing(w->state))
		add(&verdict, HEALTH_UNHEALTHY, "state.db cannot be written: %s",
		    state_error(w->state));
	if (log.failing)
		add(&verdict, HEALTH_UNHEALTHY, "the event log cannot be written: %s",
		    strerror(log.error));
	for (size_t i = 0; i < w->n_roots; i++)
		judge_root(&verdict, &w->roots[i]);
	for (size_t i = 0; w->state != NULL && i < w->n_handlers; i++)
		judge_handler(&verdict, w, &w->handlers[i]);
	if (w->token_error != NULL)
		add(&verdict, HEALTH_DEGRADED, "token: %s", w->token_error);
	for (size_t i = 0; i < w->n_followers; i++)
		judge_follower(&verdict, &w->followers[i]);
	if (w->reload_refused != NULL)
		add(&verdict, HEALTH_DEGRADED, "the last reload was refused: %s",
		    w->reload_refused);
	judge_loops(&verdict, w);
	judge_enrich(&verdict, w);
	asks_stats(w->asks, &asks);
	if (asks.away)
		add(&verdict, HEALTH_DEGRADED,
		    "the helper filemon-hash is not available: files are delivered "
		    "without a look at their content");
	if (!w->runner_ready && w->wire != NULL)
		add(&verdict, HEALTH_DEGRADED, "the runner is not ready");
	return verdict.health;
}

const char *
health_name(enum health health)
{
	static const char *const names[] = {
		[HEALTH_HEALTHY] = "healthy",
		[HEALTH_DEGRADED] = "degraded",
		[HEALTH_UNHEALTHY] = "unhealthy",
	};

	return names[health];
}
