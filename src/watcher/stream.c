/* SPDX-License-Identifier: ISC */
#include "watcher/stream.h"

#include <stdlib.h>

#include "base/clk.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "enrich/git.h"
#include "enrich/process.h"
#include "policy/alert.h"
#include "policy/limit.h"
#include "policy/save.h"
#include "state/delivery.h"
#include "watcher/ask.h"
#include "watcher/clock.h"
#include "watcher/held.h"
#include "watcher/watcher_priv.h"

/* How often the age of the queue is looked at where a rule asks for it. */
#define QUEUE_LOOK_MS 1000
#define NS_PER_MS INT64_C(1000000)

struct stream {
	struct watcher *w;
	struct save *save;   /* NULL: each record as it comes */
	struct limit *limit; /* NULL: none */
	struct alerts *alerts;
	struct clock_watch *clock;
	int64_t queue_due_ms;	  /* -1: nobody asks */
	struct save_stats before; /* of the ones before a reload */
	uint64_t dropped_before;
};

static bool
is_change(const struct event *ev)
{
	return ev->type < EVENT_GAP && ev->path != NULL;
}

/* Whoever does not ask for it needs no memory for it. */
static struct git *
git_of(struct watcher *w)
{
	if (w->git == NULL)
		w->git = git_new();
	return w->git;
}

static void
write_record(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;
	struct event full = *ev;

	if ((s->w->config->enrich & ENRICH_GIT) && is_change(ev))
		full.git = git_context(git_of(s->w), ev);
	ask_for_written(s->w, ev, evlog_add(s->w->log, &full, NULL));
}

static void
limit_record(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;

	if (s->limit == NULL || !is_change(ev) || limit_pass(s->limit, ev, clk_mono_ms()))
		write_record(s, ev);
}

static void
on_alert(void *ctx, const struct event *ev)
{
	struct stream *s = ctx;
	const struct wire_msg msg = { .type = WIRE_ALERT,
		.name = ev->alert,
		.state = ev->rule,
		.seq = (uint64_t)ev->value };

	log_warnx("alert %s: %s is %lld (threshold %lld)", ev->alert, ev->rule,
	    (long long)ev->value, (long long)ev->threshold);
	write_record(ctx, ev);
	if (s->w->wire != NULL)
		wire_send(s->w->wire, &msg);
}

static void
on_clock(void *ctx, int64_t step_ms)
{
	const struct event ev = { .type = EVENT_CLOCK, .step_ms = step_ms };

	log_warnx("clock: was set by %lld ms (times of events jump)", (long long)step_ms);
	stream_put(ctx, &ev);
}

static void
configure(struct stream *s)
{
	const struct config *config = s->w->config;
	const struct settle_limits limits = { config->settle_ms, config->settle_max_ms };
	const struct limit_rates rates = { config->events_max, config->file_events_max };

	if (config->edited)
		s->save = save_new(&limits, limit_record, s);
	if (rates.per_second > 0 || rates.per_file > 0)
		s->limit = limit_new(&rates);
	if (config->n_alerts > 0)
		s->alerts = alerts_new(config->alerts, config->n_alerts, on_alert, s);
	s->queue_due_ms = -1;
	if (s->alerts != NULL && alerts_have(s->alerts, ALERT_QUEUE_AGE))
		s->queue_due_ms = clk_mono_ms();
}

struct stream *
stream_new(struct watcher *w)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->w = w;
	s->clock = clock_watch_new(w->loop, on_clock, s);
	configure(s);
	return s;
}

static struct save_stats
stats_of(const struct stream *s)
{
	struct save_stats stats = { 0 };

	if (s->save != NULL)
		save_stats(s->save, &stats);
	stats.edited += s->before.edited;
	stats.merged += s->before.merged;
	stats.passed += s->before.passed;
	return stats;
}

static uint64_t
dropped(const struct stream *s)
{
	return s->dropped_before + (s->limit == NULL ? 0 : limit_dropped(s->limit));
}

static void
release(struct stream *s)
{
	save_free(s->save);
	limit_free(s->limit);
	alerts_free(s->alerts);
	s->save = NULL;
	s->limit = NULL;
	s->alerts = NULL;
}

void
stream_reload(struct stream *s)
{
	stream_flush(s);
	stream_keep(s);
	s->before = stats_of(s);
	s->dropped_before = dropped(s);
	release(s);
	configure(s);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	clock_watch_free(s->clock);
	release(s);
	free(s);
}

/* From the change, which the kernel has stamped, to here. */
static void
weigh(struct stream *s, const struct event *ev, int64_t now)
{
	if (!is_change(ev))
		return;
	alerts_event(s->alerts, ev, now);
	if ((ev->type == EVENT_CREATED || ev->type == EVENT_MODIFIED) && !ev->is_dir &&
	    !ev->listed && ev->st != NULL && alerts_have(s->alerts, ALERT_LATENCY))
		alerts_latency(s->alerts,
		    (clk_wall_ns() - (int64_t)ev->st->st_ctim.tv_sec * 1000 * NS_PER_MS -
			ev->st->st_ctim.tv_nsec) /
			NS_PER_MS,
		    now);
}

void
stream_put(struct stream *s, const struct event *ev)
{
	if (s->alerts != NULL)
		weigh(s, ev, clk_mono_ms());
	if (s->save == NULL || !save_take(s->save, ev, clk_mono_ms()))
		limit_record(s, ev);
}

bool
stream_compares(const struct stream *s)
{
	return s->save != NULL;
}

void
stream_entropy(struct stream *s, double bits)
{
	if (s->alerts != NULL)
		alerts_entropy(s->alerts, bits, clk_mono_ms());
}

void
stream_note(struct stream *s, const struct save_note *note)
{
	if (s->save != NULL)
		save_note(s->save, note);
}

void
stream_flush(struct stream *s)
{
	if (s->save != NULL)
		save_flush(s->save);
	if (s->limit != NULL)
		limit_report(s->limit, write_record, s);
}

static void
look_at_queue(struct stream *s, int64_t now)
{
	struct watcher *w = s->w;

	for (size_t i = 0; w->state != NULL && i < w->n_handlers; i++) {
		int64_t since = delivery_oldest(w->state, w->handlers[i].id);

		if (since >= 0)
			alerts_queue_age(s->alerts, now - since, now);
	}
	s->queue_due_ms = now + QUEUE_LOOK_MS;
}

void
stream_tick(struct stream *s, int64_t now)
{
	if (s->save != NULL)
		save_tick(s->save, now);
	if (s->limit != NULL && limit_due(s->limit) >= 0 && limit_due(s->limit) <= now)
		limit_report(s->limit, write_record, s);
	if (s->queue_due_ms >= 0 && s->queue_due_ms <= now)
		look_at_queue(s, now);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int64_t
stream_due(const struct stream *s)
{
	int64_t due = s->save == NULL ? -1 : save_due(s->save);

	if (s->limit != NULL)
		due = sooner(due, limit_due(s->limit));
	return sooner(due, s->queue_due_ms);
}

bool
stream_holds(const struct stream *s)
{
	return (s->save != NULL && save_due(s->save) >= 0) ||
	    (s->limit != NULL && limit_due(s->limit) >= 0);
}

void
stream_keep(struct stream *s)
{
	if (s->save != NULL && s->w->state != NULL)
		held_keep(s->w, s->save);
}

void
stream_not_kept(struct stream *s)
{
	if (s->save != NULL)
		save_mark_changed(s->save);
}

static cJSON *
alert_object(const struct alert_state *state)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "name", state->name);
	cJSON_AddStringToObject(item, "rule", state->rule);
	cJSON_AddNumberToObject(item, "threshold", (double)state->threshold);
	cJSON_AddNumberToObject(item, "raised", (double)state->raised);
	if (state->raised == 0)
		return item;
	cJSON_AddNumberToObject(item, "value", (double)state->value);
	cJSON_AddNumberToObject(
	    item, "ago_ms", (double)(clk_mono_ms() - state->raised_ms));
	return item;
}

void
stream_status(const struct stream *s, cJSON *events, cJSON *out)
{
	const struct save_stats stats = stats_of(s);
	cJSON *list = cJSON_AddArrayToObject(out, "alerts");
	struct alert_state state;

	cJSON_AddNumberToObject(events, "merged", (double)stats.merged);
	cJSON_AddNumberToObject(events, "unmerged", (double)stats.passed);
	cJSON_AddNumberToObject(events, "limited", (double)dropped(s));
	for (size_t i = 0; s->alerts != NULL && alerts_state(s->alerts, i, &state); i++)
		cJSON_AddItemToArray(list, alert_object(&state));
}
