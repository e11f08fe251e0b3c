/* SPDX-License-Identifier: ISC */
/* The methods queue, failures, retry and discard. */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "state/delivery.h"
#include "watcher/commands.h"
#include "watcher/dispatch.h"
#include "watcher/order.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define ROWS_AT_ONCE 256

/* A listing being made, or a change being applied, row by row. */
struct rows {
	struct request *request;
	struct handler *handler;
	cJSON *items;
	int64_t now, limit, count;
};

/* path is set to the node's. */
static void
add_path(struct rows *rows, cJSON *item, int64_t node, struct buf *path)
{
	struct root *root = place_path(rows->request->w, node, path);

	if (root != NULL && root->index != 0)
		cJSON_AddNumberToObject(item, "root", root->index);
	control_add_bytes(item, "path", path->p, path->len);
}

/* What runs for a path, or will. */
static enum wire_command
command_of(const struct rows *rows, const struct job *job, const struct delivery *d,
    const struct buf *path)
{
	struct node node;

	if (job != NULL)
		return job->command;
	return node_get(rows->request->w->state, d->node, &node) &&
		pending_wants(rows->handler, &node, path->p, path->len)
	    ? WIRE_LOAD
	    : WIRE_REMOVE;
}

/* What a path that is due waits for. */
static const char *
due_state(const struct handler *handler)
{
	if (handler->paused)
		return "paused";
	return handler->breaker.state == BREAKER_OPEN ? "breaker" : "due";
}

const char *
queue_state(const struct watcher *w, const struct handler *handler,
    const struct delivery *d, int64_t now)
{
	if (d->dead)
		return "dead";
	if (!d->pending)
		return "settled";
	if (d->due == STATE_DUE_RUNNING) {
		/* In the runner's hand it waits for a slot. */
		const struct job *job = dispatch_job(w, handler, d->node);

		return job != NULL && job->pid > 0 ? "running" : due_state(handler);
	}
	if (d->due == STATE_DUE_BLOCKED)
		return "blocked";
	if (d->blocked_on != 0)
		return d->blocked_on == d->node ? "reading" : "blocked";
	if (d->due <= now)
		return due_state(handler);
	if (loops_cooling(&w->loops, d->node, now) != NULL)
		return "cooling";
	return d->attempts > 0 ? "retry" : "settling";
}

static void
add_pending(void *ctx, const struct delivery *d)
{
	struct rows *rows = ctx;
	struct watcher *w = rows->request->w;
	cJSON *item = cJSON_CreateObject();
	struct job *job = dispatch_job(w, rows->handler, d->node);
	struct buf path = BUF_INIT;

	cJSON_AddStringToObject(item, "handler", rows->handler->config->name);
	add_path(rows, item, d->node, &path);
	cJSON_AddStringToObject(
	    item, "command", dispatch_command_name(command_of(rows, job, d, &path)));
	cJSON_AddStringToObject(
	    item, "state", queue_state(w, rows->handler, d, rows->now));
	cJSON_AddNumberToObject(item, "attempts", (double)d->attempts);
	cJSON_AddNumberToObject(item, "due_in_ms",
	    d->due >= STATE_DUE_RUNNING || d->due <= rows->now
		? 0
		: (double)(d->due - rows->now));
	cJSON_AddNumberToObject(item, "age_ms", (double)(rows->now - d->since));
	if (job != NULL && job->pid > 0)
		cJSON_AddNumberToObject(item, "pid", (double)job->pid);
	buf_release(&path);
	cJSON_AddItemToArray(rows->items, item);
}

static void
add_dead(void *ctx, const struct delivery *d)
{
	struct rows *rows = ctx;
	struct watcher *w = rows->request->w;
	cJSON *item = cJSON_CreateObject();
	struct delivery_failure failure;
	struct buf store = BUF_INIT, path = BUF_INIT;

	cJSON_AddStringToObject(item, "handler", rows->handler->config->name);
	add_path(rows, item, d->node, &path);
	cJSON_AddNumberToObject(item, "attempts", (double)d->attempts);
	if (delivery_failure_get(w->state, d->handler, d->node, &failure, &store)) {
		cJSON_AddStringToObject(item, "command", failure.command);
		control_add_bytes(
		    item, "outcome", failure.outcome, strlen(failure.outcome));
		control_add_time(item, "failed_at", failure.wall_ns);
		control_add_bytes(item, "output", failure.output, failure.output_len);
	}
	buf_release(&store);
	buf_release(&path);
	cJSON_AddItemToArray(rows->items, item);
}

static void
list(struct request *request, bool dead)
{
	struct rows rows = { .request = request, .now = clk_mono_ms() };
	struct handler *only;
	int64_t total = 0;
	cJSON *result;

	if (commands_handler(request, &only) == -1 ||
	    commands_limit(request, &rows.limit) == -1)
		return;
	result = cJSON_CreateObject();
	rows.items = cJSON_CreateArray();
	for (size_t i = 0; i < request->w->n_handlers; i++) {
		struct state *state = request->w->state;
		int64_t left = rows.limit - cJSON_GetArraySize(rows.items);

		rows.handler = &request->w->handlers[i];
		if (only != NULL && only != rows.handler)
			continue;
		total += dead ? delivery_count_dead(state, rows.handler->id)
			      : delivery_count_pending(state, rows.handler->id);
		if (left <= 0)
			continue;
		if (dead)
			delivery_each_dead(
			    state, rows.handler->id, left, add_dead, &rows);
		else
			delivery_each_pending(
			    state, rows.handler->id, left, add_pending, &rows);
	}
	cJSON_AddNumberToObject(result, "total", (double)total);
	cJSON_AddItemToObject(result, "items", rows.items);
	control_reply(request->conn, request->id, result);
}

void
queue_command(struct request *request)
{
	list(request, false);
}

void
failures_command(struct request *request)
{
	list(request, true);
}

static void
retry_row(void *ctx, const struct delivery *row)
{
	struct rows *rows = ctx;
	struct state *state = rows->request->w->state;
	struct delivery d = *row;
	struct node node;

	if (d.due >= STATE_DUE_RUNNING && d.pending)
		return;
	if (!d.pending)
		d.since = rows->now;
	d.pending = true;
	d.dead = false;
	d.attempts = 0;
	d.due = rows->now;
	d.blocked_on = 0;
	d.body.known = false; /* it is to run, whatever was delivered */
	delivery_put(state, &d);
	if (node_get(state, d.node, &node))
		order_note_pending(rows->request->w, &node);
	rows->count++;
}

/* Given up for good: taken for delivered, until the path changes again.  The
   failure stays: it tells such a path from one that was delivered. */
static void
discard_row(void *ctx, const struct delivery *row)
{
	struct rows *rows = ctx;
	struct state *state = rows->request->w->state;
	struct delivery d = *row;
	struct node node;

	if (!d.dead || !node_get(state, d.node, &node))
		return;
	rows->count++;
	if (node.gone) {
		struct buf path = BUF_INIT;
		struct root *root = place_path(rows->request->w, d.node, &path);

		delivery_delete(state, d.handler, d.node);
		if (root != NULL)
			pending_cleanup(rows->request->w, root, d.node);
		buf_release(&path);
		return;
	}
	d.dead = false;
	d.attempts = 0;
	d.state = DELIVERY_YES;
	d.sig = sig_hash(&node.sig);
	d.body.known = false;
	delivery_put(state, &d);
}

static void
apply_one(
    struct rows *rows, struct root *root, const struct buf *path, delivery_each_cb fn)
{
	struct state *state = rows->request->w->state;
	struct delivery d;
	struct node node;

	if (node_lookup(
		state, root->node, path->len == 0 ? "" : path->p, path->len, &node) &&
	    delivery_get(state, rows->handler->id, node.id, &d) && (d.pending || d.dead))
		fn(rows, &d);
}

/* Some at a time: a row that fn took is not dead any more. */
static void
apply_all(struct rows *rows, delivery_each_cb fn)
{
	int64_t before;

	do {
		before = rows->count;
		delivery_each_dead(
		    rows->request->w->state, rows->handler->id, ROWS_AT_ONCE, fn, rows);
	} while (rows->count > before);
}

static void
apply(struct request *request, delivery_each_cb fn)
{
	struct rows rows = { .request = request, .now = clk_mono_ms() };
	struct buf path = BUF_INIT;
	struct json_error error;
	struct handler *only;
	struct root *root;
	cJSON *result;
	bool all;
	int given;

	if (commands_handler(request, &only) == -1 ||
	    (given = commands_path(request, &root, &path)) == -1)
		return;
	if (json_bool(request->params, "all", false, &all, &error) == -1 ||
	    all == (given == 0)) {
		control_error(request->conn, request->id, CONTROL_PARAMS,
		    "params: either path or all is wanted");
		buf_release(&path);
		return;
	}
	for (size_t i = 0; i < request->w->n_handlers; i++) {
		rows.handler = &request->w->handlers[i];
		if (only != NULL && only != rows.handler)
			continue;
		if (all)
			apply_all(&rows, fn);
		else
			apply_one(&rows, root, &path, fn);
	}
	buf_release(&path);
	result = cJSON_CreateObject();
	cJSON_AddNumberToObject(result, "count", (double)rows.count);
	control_reply(request->conn, request->id, result);
	watcher_wake(request->w);
}

void
retry_command(struct request *request)
{
	apply(request, retry_row);
}

void
discard_command(struct request *request)
{
	apply(request, discard_row);
}
