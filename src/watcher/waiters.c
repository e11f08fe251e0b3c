/* SPDX-License-Identifier: ISC */
#include "watcher/waiters.h"

#include <stdlib.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "state/delivery.h"
#include "watcher/control.h"
#include "watcher/dispatch.h"
#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

#define WAITERS_MAX 64

struct waiter {
	struct conn *conn;
	char *id;
	int64_t start_ms, due_ms; /* due -1: no time-out */
};

struct waiters {
	struct watcher *w;
	struct waiter v[WAITERS_MAX];
	size_t n;
	bool again; /* in another turn, at once */
};

struct waiters *
waiters_new(struct watcher *w)
{
	struct waiters *all = xcalloc(1, sizeof(*all));

	all->w = w;
	return all;
}

void
waiters_free(struct waiters *all)
{
	for (size_t i = 0; all != NULL && i < all->n; i++)
		free(all->v[i].id);
	free(all);
}

bool
waiters_has(const struct waiters *all, const struct conn *conn)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].conn == conn)
			return true;
	return false;
}

void
waiters_drop(struct waiters *all, const struct conn *conn)
{
	for (size_t i = 0; i < all->n;) {
		if (all->v[i].conn != conn) {
			i++;
			continue;
		}
		free(all->v[i].id);
		all->v[i] = all->v[--all->n];
	}
}

void
waiters_add(struct waiters *all, const struct request *request, int64_t timeout_ms)
{
	struct waiter *waiter;
	int64_t now = clk_mono_ms();

	if (all->n == WAITERS_MAX) {
		control_error(request->conn, request->id, CONTROL_REFUSED,
		    "too many are waiting already");
		return;
	}
	if (request->id == NULL)
		return;
	waiter = &all->v[all->n++];
	waiter->conn = request->conn;
	waiter->id = xstrdup(request->id);
	waiter->start_ms = now;
	waiter->due_ms = timeout_ms > 0 ? now + timeout_ms : -1;
	conn_set_idle(request->conn, 0);
	watcher_wake(all->w);
}

static const char *
why_not_idle(struct watcher *w)
{
	if (watcher_scanning(w))
		return "a scan is under way";
	if (w->degraded)
		return "state.db cannot be written";
	for (size_t i = 0; i < w->n_handlers; i++) {
		struct handler *handler = &w->handlers[i];

		if (!delivery_pending(w->state, handler->id))
			continue;
		if (handler->paused)
			return "a handler is paused";
		if (handler->breaker.state != BREAKER_CLOSED)
			return "a handler's breaker is open";
	}
	return w->n_jobs > 0 ? "jobs are running" : "paths are pending";
}

static bool
is_idle(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		struct fm_stats stats;

		fm_watch_stats(w->roots[i].watch, &stats);
		if (stats.held || fm_watch_unread(w->roots[i].watch) > 0)
			return false;
	}
	return w->ready && !watcher_scanning(w) && !w->degraded && w->unsure_due_ms < 0 &&
	    dispatch_idle(w);
}

/* Directories that nobody knows the content of. */
static unsigned long
unlisted(const struct watcher *w)
{
	struct fm_stats stats;
	unsigned long n = 0;

	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_stats(w->roots[i].watch, &stats);
		n += stats.failed;
	}
	return n;
}

static void
answer_waiter(struct watcher *w, struct waiter *waiter, bool idle, int64_t now)
{
	cJSON *result = cJSON_CreateObject();
	int64_t pending = 0;

	cJSON_AddBoolToObject(result, "idle", idle);
	cJSON_AddNumberToObject(result, "ms", (double)(now - waiter->start_ms));
	cJSON_AddNumberToObject(result, "unlisted", (double)unlisted(w));
	if (!idle) {
		for (size_t i = 0; i < w->n_handlers; i++)
			pending += delivery_count_pending(w->state, w->handlers[i].id);
		cJSON_AddNumberToObject(result, "pending", (double)pending);
		cJSON_AddBoolToObject(result, "scanning", watcher_scanning(w));
		cJSON_AddStringToObject(result, "reason", why_not_idle(w));
	}
	conn_set_idle(waiter->conn, CONTROL_IDLE_MS);
	control_reply(waiter->conn, waiter->id, result);
}

void
waiters_turn(struct waiters *all, int64_t now)
{
	bool idle;

	if (all == NULL || all->n == 0)
		return;
	idle = is_idle(all->w);
	/* Nothing more will come of what is held: it is recorded in the next turn,
	   and then answered. */
	all->again = idle && stream_holds(all->w->stream);
	if (all->again) {
		stream_flush(all->w->stream);
		idle = false;
	}
	for (size_t i = 0; i < all->n;) {
		struct waiter waiter = all->v[i];

		if (!idle && (waiter.due_ms < 0 || waiter.due_ms > now)) {
			i++;
			continue;
		}
		all->v[i] = all->v[--all->n];
		answer_waiter(all->w, &waiter, idle, now);
		free(waiter.id);
		/* An answer that cannot be sent closes its client, and with it
		   may go other waiters: begin again. */
		i = 0;
	}
}

int64_t
waiters_due(const struct waiters *all)
{
	int64_t due = -1;

	if (all != NULL && all->again)
		return 0;
	for (size_t i = 0; all != NULL && i < all->n; i++)
		if (all->v[i].due_ms >= 0 && (due < 0 || all->v[i].due_ms < due))
			due = all->v[i].due_ms;
	return due;
}
