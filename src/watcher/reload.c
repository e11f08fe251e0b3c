/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "conf/tags.h"
#include "enrich/process.h"
#include "watcher/ask.h"
#include "watcher/control.h"
#include "watcher/dispatch.h"
#include "watcher/keep.h"
#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(const struct strlist *a, const struct strlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

/* Whether the kernel tells who did it, and what the sandbox forbids. */
static bool
same_enrich(unsigned from, unsigned to)
{
	return ((from & ENRICH_DOER) != 0) == ((to & ENRICH_DOER) != 0) &&
	    ((from ^ to) & ENRICH_SESSION) == 0;
}

/* What was decided at start; NULL: all of it is the same. */
static const char *
needs_restart(const struct config *from, const struct config *to)
{
	if (!same_list(&from->roots, &to->roots))
		return "watch";
	if (!same_text(from->state_dir, to->state_dir))
		return "state-dir";
	if (!same_text(from->control_socket, to->control_socket))
		return "control-socket";
	if (from->backend != to->backend)
		return "backend";
	if (!same_enrich(from->enrich, to->enrich))
		return "enrich";
	if (from->poll_interval_ms != to->poll_interval_ms)
		return "poll-interval";
	return from->cross_filesystems != to->cross_filesystems ? "cross-filesystems"
								: NULL;
}

static void
refuse(struct watcher *w, struct conn *conn, const char *id, const char *text)
{
	log_warnx("reload: %s (nothing is changed)", text);
	control_error(conn, id, CONTROL_REFUSED, text);
	config_free(w->reload_config);
	w->reload_config = NULL;
	free(w->reload_refused);
	w->reload_refused = xstrdup(text);
	notify_send("READY=1");
}

/* The lines of a text as an array. */
static cJSON *
lines_of(const char *text)
{
	cJSON *list = cJSON_CreateArray();

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		if (len > 0) {
			log_info("reload: %s", line);
			cJSON_AddItemToArray(list, cJSON_CreateString(line));
		}
		free(line);
		text += len + (text[len] == '\n');
	}
	return list;
}

/* Statistics and breakers stay with the handler of the same row. */
static void
carry_stats(struct watcher *w, struct handler *old, size_t n_old)
{
	for (size_t i = 0; i < w->n_handlers; i++)
		for (size_t j = 0; j < n_old; j++)
			if (old[j].id == w->handlers[i].id) {
				free(w->handlers[i].stats.last_path);
				w->handlers[i].stats = old[j].stats;
				w->handlers[i].breaker = old[j].breaker;
				memset(&old[j].stats, 0, sizeof(old[j].stats));
				if (!same_list(&w->handlers[i].config->load,
					&old[j].config->load))
					breaker_reset(&w->handlers[i].breaker);
			}
}

static bool
filters_differ(const struct config *a, const struct config *b)
{
	return !same_list(&a->ignore, &b->ignore) ||
	    !same_list(&a->include, &b->include) ||
	    a->default_ignores != b->default_ignores || a->gitignore != b->gitignore;
}

/* Both processes switch now; watches and queue stay. */
static void
apply(struct watcher *w)
{
	struct config *old = w->config;
	struct handler *old_handlers = w->handlers;
	size_t n_old = w->n_handlers;
	bool refilter = filters_differ(old, w->reload_config), evaluate = false;

	stream_flush(w->stream);
	w->config = w->reload_config;
	w->reload_config = NULL;
	stream_reload(w->stream);
	for (size_t i = 0; i < w->n_roots; i++) {
		w->roots[i].path = w->config->roots.v[i];
		filter_free(w->roots[i].filter);
		w->roots[i].filter = filter_new(w->config, w->roots[i].path);
		if (refilter)
			fm_watch_refilter(w->roots[i].watch);
	}
	handlers_build(w);
	followers_build(w);
	dispatch_rebind(w);
	carry_stats(w, old_handlers, n_old);
	for (size_t i = 0; i < w->n_handlers; i++)
		evaluate = evaluate || w->handlers[i].evaluate;
	handlers_release(old_handlers, n_old);
	evlog_configure(w->log, w->config);
	keep_look(w->keep);
	asks_reload(w);
	log_set_level((enum log_level)w->config->log_level);
	if (refilter || evaluate)
		watcher_begin_scan(w, "the configuration changed");
	config_free(old);
}

static void
finish(struct watcher *w, struct conn *conn, const char *id)
{
	char *diff = config_diff(w->config, w->reload_config);
	cJSON *result = cJSON_CreateObject();

	cJSON_AddItemToObject(result, "changed", lines_of(diff));
	apply(w);
	free(w->reload_refused);
	w->reload_refused = NULL;
	control_reply(conn, id, result);
	notify_send("READY=1");
	free(diff);
	watcher_wake(w);
}

void
reload_answer(struct watcher *w, const struct wire_msg *msg)
{
	char *id = w->reload_id;
	struct conn *conn = w->reload_conn;
	bool again = w->reload_again;

	if (w->reload_config == NULL)
		return;
	w->reload_id = NULL;
	w->reload_conn = NULL;
	w->reload_again = false;
	if (msg->code == 0)
		finish(w, conn, id);
	else
		refuse(w, conn, id, msg->text);
	free(id);
	if (again)
		reload_begin(w, NULL, NULL);
}

static void
ask_runner(struct watcher *w, struct conn *conn, const char *id)
{
	const struct wire_msg msg = { .type = WIRE_RELOAD,
		.text = w->reload_config->digest };

	if (w->wire == NULL) {
		finish(w, conn, id);
		return;
	}
	w->reload_conn = conn;
	w->reload_id = id == NULL ? NULL : xstrdup(id);
	wire_send(w->wire, &msg);
}

void
reload_begin(struct watcher *w, struct conn *conn, const char *id)
{
	struct config_error error;
	const char *option;
	char *text;

	if (w->reload_config != NULL || w->stopping) {
		/* Whoever sent a signal is not told: the file may have changed since. */
		w->reload_again = w->reload_again || conn == NULL;
		control_error(conn, id, CONTROL_REFUSED,
		    w->stopping ? "filemond is stopping" : "a reload is under way");
		return;
	}
	notify_send(
	    "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clk_mono_ns() / 1000));
	w->reload_config = config_load(w->setup.source, &error);
	if (w->reload_config == NULL) {
		refuse(w, conn, id, error.text);
		return;
	}
	if (w->token_tags != NULL)
		tags_set_ids(&w->reload_config->tags, w->token_tags);
	option = needs_restart(w->config, w->reload_config);
	if (option != NULL) {
		text = xasprintf(
		    "%s: cannot be changed by a reload: use 'filemonctl restart'",
		    option);
		refuse(w, conn, id, text);
		free(text);
		return;
	}
	ask_runner(w, conn, id);
}
