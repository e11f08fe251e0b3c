/* SPDX-License-Identifier: ISC */
#include "watcher/followers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "watcher/control.h"
#include "watcher/keep.h"
#include "watcher/watcher_priv.h"

#define NSEC_PER_MSEC INT64_C(1000000)

static struct follower *
find(struct follower *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

void
followers_build(struct watcher *w)
{
	struct follower *old = w->followers;
	size_t n_old = w->n_followers;

	w->n_followers = w->config->n_sinks;
	w->followers = xcalloc(w->n_followers + 1, sizeof(*w->followers));
	for (size_t i = 0; i < w->n_followers; i++) {
		struct follower *f = &w->followers[i];
		const struct follower *was = find(old, n_old, w->config->sinks[i].name);

		snprintf(f->state, sizeof(f->state), "starting");
		if (was != NULL)
			*f = *was;
		f->name = w->config->sinks[i].name;
	}
	free(old);
	followers_greet(w);
	keep_set_floor(w->keep, followers_floor(w));
}

void
followers_release(struct watcher *w)
{
	free(w->followers);
	w->followers = NULL;
	w->n_followers = 0;
}

void
followers_greet(struct watcher *w)
{
	w->log_told = false;
}

void
followers_message(struct watcher *w, const struct wire_msg *msg)
{
	struct follower *f = find(w->followers, w->n_followers, msg->name);

	if (f == NULL)
		return;
	f->known = true;
	snprintf(f->state, sizeof(f->state), "%s", msg->state);
	snprintf(f->error, sizeof(f->error), "%s", msg->text);
	f->pid = msg->pid;
	f->seq = msg->seq;
	f->fed = msg->fed;
	f->starts = msg->starts;
	f->deaths = msg->deaths;
	f->missed = msg->missed;
	f->wall_ns = msg->wall_ns;
	keep_set_floor(w->keep, followers_floor(w));
}

void
followers_turn(struct watcher *w)
{
	struct evlog_stats stats;
	struct wire_msg msg = { .type = WIRE_LOG };

	if (w->n_followers == 0 || !w->runner_ready || w->stop_sent)
		return;
	evlog_stats(w->log, &stats);
	if (stats.failing || (w->log_told && w->log_told_seq == stats.seq))
		return;
	msg.seq = stats.seq;
	w->log_told = wire_send(w->wire, &msg);
	w->log_told_seq = stats.seq;
}

uint64_t
followers_floor(const struct watcher *w)
{
	uint64_t floor = UINT64_MAX;

	for (size_t i = 0; i < w->n_followers; i++) {
		const struct follower *f = &w->followers[i];
		uint64_t needed = f->known ? f->seq + 1 : 0;

		if (needed < floor)
			floor = needed;
	}
	return floor;
}

static void
add_lag(cJSON *out, const struct follower *f, uint64_t last)
{
	uint64_t lag = f->known && last > f->seq ? last - f->seq : 0;
	int64_t ms = 0;

	if (lag > 0 && f->wall_ns > 0)
		ms = (clk_wall_ns() - f->wall_ns) / NSEC_PER_MSEC;
	cJSON_AddNumberToObject(out, "lag_records", (double)lag);
	cJSON_AddNumberToObject(out, "lag_ms", ms > 0 ? (double)ms : 0);
}

void
followers_status(const struct watcher *w, cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "sinks");
	struct evlog_stats stats;

	evlog_stats(w->log, &stats);
	for (size_t i = 0; i < w->n_followers; i++) {
		const struct follower *f = &w->followers[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "name", f->name);
		cJSON_AddStringToObject(item, "state", f->state);
		if (f->pid > 0)
			cJSON_AddNumberToObject(item, "pid", (double)f->pid);
		cJSON_AddNumberToObject(item, "seq", (double)f->seq);
		cJSON_AddNumberToObject(item, "fed", (double)f->fed);
		add_lag(item, f, stats.seq);
		cJSON_AddNumberToObject(item, "starts", (double)f->starts);
		cJSON_AddNumberToObject(item, "deaths", (double)f->deaths);
		cJSON_AddNumberToObject(item, "missed", (double)f->missed);
		if (f->error[0] != '\0')
			control_add_bytes(item, "last_error", f->error, strlen(f->error));
		cJSON_AddItemToArray(list, item);
	}
}
