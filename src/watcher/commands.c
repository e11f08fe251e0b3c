/* SPDX-License-Identifier: ISC */
#include "watcher/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"
#include "conf/options.h"
#include "state/handler.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

static void
bad_param(struct request *request, const char *text)
{
	control_error(request->conn, request->id, CONTROL_PARAMS, text);
}

/* Absolute, without "." and empty components; ".." is refused by the caller. */
static void
make_absolute(const struct watcher *w, const char *path, struct buf *out)
{
	buf_reset(out);
	if (path[0] != '/')
		buf_adds(out, w->config->project);
	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && path[0] == '.')) {
			buf_addc(out, '/');
			buf_add(out, path, len);
		}
		path += len + (path[len] == '/');
	}
	if (out->len == 0)
		buf_addc(out, '/');
}

static bool
has_dotdot(const char *path)
{
	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += len + (path[len] == '/');
	}
	return false;
}

/* The path as it was given, decoded into out where it came as base64. */
static int
given_path(struct request *request, struct buf *out)
{
	const char *path, *b64;
	struct json_error error;

	if (json_opt_string(request->params, "path", &path, &error) == -1 ||
	    json_opt_string(request->params, "path_b64", &b64, &error) == -1) {
		bad_param(request, error.text);
		return -1;
	}
	if (path == NULL && b64 == NULL)
		return 1;
	buf_reset(out);
	if (path != NULL)
		buf_adds(out, path);
	else if (!buf_decode_base64(out, b64) || memchr(out->p, '\0', out->len) != NULL) {
		bad_param(request, "params.path_b64: not base64 of a path");
		return -1;
	}
	buf_addc(out, '\0');
	return 0;
}

int
commands_path(struct request *request, struct root **root, struct buf *path)
{
	struct buf given = BUF_INIT, abs = BUF_INIT;
	size_t skip = 0;
	int rc = given_path(request, &given);

	*root = NULL;
	if (rc != 0)
		goto out;
	make_absolute(request->w, given.p, &abs);
	if (!has_dotdot(given.p))
		*root = watcher_root_above(request->w, &abs, &skip);
	if (*root == NULL) {
		char *text =
		    xasprintf("params.path: %s is not below a watched root", abs.p);

		bad_param(request, text);
		free(text);
		rc = -1;
		goto out;
	}
	buf_reset(path);
	buf_add(path, abs.p + skip, abs.len - skip);
out:
	buf_release(&given);
	buf_release(&abs);
	return rc;
}

int
commands_handler(struct request *request, struct handler **handler)
{
	struct json_error error;
	const char *name;
	char *text;

	*handler = NULL;
	if (json_opt_string(request->params, "handler", &name, &error) == -1) {
		bad_param(request, error.text);
		return -1;
	}
	if (name == NULL)
		return 0;
	for (size_t i = 0; i < request->w->n_handlers; i++)
		if (strcmp(request->w->handlers[i].config->name, name) == 0)
			*handler = &request->w->handlers[i];
	if (*handler != NULL)
		return 0;
	text = xasprintf("params.handler: there is no handler \"%s\"", name);
	bad_param(request, text);
	free(text);
	return -1;
}

int
commands_limit(struct request *request, int64_t *limit)
{
	struct json_error error;

	if (json_int(request->params, "limit", LIMIT_DEFAULT, limit, &error) == 0 &&
	    *limit >= 1 && *limit <= LIMIT_MAX)
		return 0;
	bad_param(request, "params.limit: a number from 1 to 10000 is wanted");
	return -1;
}

static void
ping_command(struct request *request)
{
	cJSON *result = cJSON_CreateObject();

	cJSON_AddTrueToObject(result, "pong");
	control_reply(request->conn, request->id, result);
}

static void
scan_command(struct request *request)
{
	struct watcher *w = request->w;
	struct buf path = BUF_INIT;
	struct root *root;
	int rc = commands_path(request, &root, &path);
	cJSON *result;

	if (rc == 1)
		watcher_begin_scan(w, "asked for");
	else if (rc == 0 &&
	    fm_watch_scan(root->watch, path.len == 0 ? "" : path.p, true) == -1) {
		control_error(request->conn, request->id, CONTROL_REFUSED,
		    "no directory that is watched: scan the one that it is in "
		    "('filemonctl why' says more)");
		rc = -1;
	}
	buf_release(&path);
	if (rc == -1)
		return;
	result = cJSON_CreateObject();
	cJSON_AddTrueToObject(result, "queued");
	control_reply(request->conn, request->id, result);
}

static void
wait_command(struct request *request)
{
	struct json_error error;
	int64_t timeout;

	if (json_int(request->params, "timeout_ms", 0, &timeout, &error) == -1) {
		bad_param(request, error.text);
		return;
	}
	/* inotify(7) queues an event before the call that caused it returns, so
	   what was done before the request is in the queue now. */
	watcher_drain_events(request->w);
	for (size_t i = 0; i < request->w->n_roots; i++) {
		struct fm_stats stats;

		fm_watch_stats(request->w->roots[i].watch, &stats);
		if (stats.polled > 0)
			fm_watch_scan(request->w->roots[i].watch, "", true);
	}
	waiters_add(request->w->waiters, request, timeout);
}

/* Takes result. */
static void
reply_paused(struct request *request, cJSON *result)
{
	cJSON *names = cJSON_AddArrayToObject(result, "paused");

	for (size_t i = 0; i < request->w->n_handlers; i++)
		if (request->w->handlers[i].paused)
			cJSON_AddItemToArray(names,
			    cJSON_CreateString(request->w->handlers[i].config->name));
	control_reply(request->conn, request->id, result);
	watcher_wake(request->w);
}

static void
set_paused(struct request *request, bool paused)
{
	struct watcher *w = request->w;
	struct handler *only;
	cJSON *result, *resumed = NULL;

	if (commands_handler(request, &only) == -1)
		return;
	result = cJSON_CreateObject();
	if (!paused)
		resumed = cJSON_AddArrayToObject(result, "resumed");
	for (size_t i = 0; i < w->n_handlers; i++) {
		struct handler *handler = &w->handlers[i];

		if (only != NULL && only != handler)
			continue;
		if (!paused &&
		    (handler->paused || handler->breaker.state != BREAKER_CLOSED))
			cJSON_AddItemToArray(
			    resumed, cJSON_CreateString(handler->config->name));
		handler->paused = paused;
		state_handler_set_paused(w->state, handler->id, paused);
		if (!paused)
			breaker_reset(&handler->breaker);
	}
	reply_paused(request, result);
}

static void
pause_command(struct request *request)
{
	set_paused(request, true);
}

static void
resume_command(struct request *request)
{
	set_paused(request, false);
}

static void
config_command(struct request *request)
{
	struct buf text = BUF_INIT;

	options_json(request->w->config, &text);
	control_reply(request->conn, request->id, cJSON_CreateRaw(text.p));
	buf_release(&text);
}

static void
reload_command(struct request *request)
{
	reload_begin(request->w, request->conn, request->id);
}

static void
restart_command(struct request *request)
{
	restart_begin(request->w, request->conn, request->id);
}

static void
stop_command(struct request *request)
{
	cJSON *result = cJSON_CreateObject();

	cJSON_AddTrueToObject(result, "stopping");
	control_reply(request->conn, request->id, result);
	watcher_stop(request->w, "asked by a client");
}

static const struct command {
	const char *name;
	void (*run)(struct request *);
	const char *params[4]; /* the ones it knows */
	bool needs_state;
} commands[] = {
	{ "ping", ping_command, { NULL }, false },
	{ "status", status_command, { NULL }, false },
	{ "queue", queue_command, { "handler", "limit" }, true },
	{ "failures", failures_command, { "handler", "limit" }, true },
	{ "retry", retry_command, { "handler", "path", "path_b64", "all" }, true },
	{ "discard", discard_command, { "handler", "path", "path_b64", "all" }, true },
	{ "scan", scan_command, { "path", "path_b64" }, true },
	{ "wait", wait_command, { "timeout_ms" }, true },
	{ "pause", pause_command, { "handler" }, true },
	{ "resume", resume_command, { "handler" }, true },
	{ "why", explain_command, { "path", "path_b64" }, true },
	{ "config", config_command, { NULL }, false },
	{ "reload", reload_command, { NULL }, false },
	{ "restart", restart_command, { NULL }, true },
	{ "stop", stop_command, { NULL }, false },
};

static bool
params_known(struct request *request, const struct command *command)
{
	const cJSON *param;
	char *text;

	cJSON_ArrayForEach(param, request->params)
	{
		bool known = false;

		for (size_t i = 0; i < COUNTOF(command->params); i++)
			known = known ||
			    (command->params[i] != NULL &&
				strcmp(command->params[i], param->string) == 0);
		if (known)
			continue;
		text =
		    xasprintf("params.%s: not known to %s", param->string, command->name);
		bad_param(request, text);
		free(text);
		return false;
	}
	return true;
}

void
commands_run(struct request *request, const char *method)
{
	char *text;

	for (size_t i = 0; i < COUNTOF(commands); i++) {
		if (strcmp(commands[i].name, method) != 0)
			continue;
		if (!params_known(request, &commands[i]))
			return;
		if (commands[i].needs_state && request->w->state == NULL)
			control_error(
			    request->conn, request->id, CONTROL_REFUSED, "no state");
		else
			commands[i].run(request);
		return;
	}
	text = xasprintf("there is no method \"%s\"", method);
	control_error(request->conn, request->id, CONTROL_METHOD, text);
	free(text);
}
