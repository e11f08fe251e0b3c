/* SPDX-License-Identifier: ISC */
#include "policy/alert.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"

struct alert {
	const struct alert_config *config;
	uint64_t cells[ALERT_CELLS];
	int64_t cell;	/* number of the newest since the beginning of time; -1 */
	int64_t window; /* number of the window it is in, for the usual */
	double usual;	/* events a window; below 0: not known yet */
	uint64_t in_window;
	struct alert_state state;
};

struct alerts {
	alert_raise_cb raise;
	void *ctx;
	size_t n;
	struct alert v[];
};

static const char *const rule_names[] = {
	[ALERT_EVENT_RATE] = "event-rate",
	[ALERT_MASS_DELETE] = "mass-delete",
	[ALERT_MASS_RENAME] = "mass-rename",
	[ALERT_HIGH_ENTROPY] = "high-entropy",
	[ALERT_LATENCY] = "latency",
	[ALERT_QUEUE_AGE] = "queue-age",
};

const char *
alert_rule_name(enum alert_rule rule)
{
	return rule_names[rule];
}

struct alerts *
alerts_new(const struct alert_config *config, size_t n, alert_raise_cb raise, void *ctx)
{
	struct alerts *a = xcalloc(1, sizeof(*a) + n * sizeof(a->v[0]));

	a->raise = raise;
	a->ctx = ctx;
	a->n = n;
	for (size_t i = 0; i < n; i++)
		a->v[i] = (struct alert){
			.config = &config[i],
			.cell = -1,
			.window = -1,
			.usual = -1,
			.state = { .name = config[i].name,
			    .rule = rule_names[config[i].rule],
			    .threshold = config[i].threshold,
			    .raised_ms = -1 },
		};
	return a;
}

void
alerts_free(struct alerts *a)
{
	free(a);
}

/* At its threshold: raised, unless it cools down. */
static void
weigh(struct alerts *a, struct alert *alert, int64_t value, int64_t now)
{
	struct alert_state *state = &alert->state;
	struct event ev = { .type = EVENT_ALERT,
		.alert = state->name,
		.rule = state->rule,
		.value = value,
		.threshold = state->threshold };

	if (value < state->threshold ||
	    (state->raised_ms >= 0 &&
		now - state->raised_ms < alert->config->cooldown_ms))
		return;
	state->value = value;
	state->raised++;
	state->raised_ms = now;
	a->raise(a->ctx, &ev);
}

/* Counts one in the sliding window; returns how many are in it. */
static uint64_t
slide(struct alert *alert, int64_t now)
{
	int64_t width = alert->config->window_ms / ALERT_CELLS;
	int64_t cell = now / (width > 0 ? width : 1);
	uint64_t sum = 0;

	if (alert->cell < 0 || cell - alert->cell >= ALERT_CELLS)
		memset(alert->cells, 0, sizeof(alert->cells));
	else
		while (alert->cell < cell)
			alert->cells[++alert->cell % ALERT_CELLS] = 0;
	alert->cell = cell;
	alert->cells[cell % ALERT_CELLS]++;
	for (size_t i = 0; i < ALERT_CELLS; i++)
		sum += alert->cells[i];
	return sum;
}

/* Goes on to the window of now: what was counted becomes a part of the usual. */
static void
settle_usual(struct alert *alert, int64_t now)
{
	int64_t window = now / alert->config->window_ms;
	int64_t passed = alert->window < 0 ? 0 : window - alert->window;

	if (passed > 0) {
		alert->usual = alert->usual < 0
		    ? (double)alert->in_window
		    : (alert->usual + (double)alert->in_window) / 2;
		alert->in_window = 0;
	}
	for (; passed > 1 && alert->usual > 0.01; passed--)
		alert->usual /= 2; /* nothing happened in these */
	alert->window = window;
}

static void
rate(struct alerts *a, struct alert *alert, int64_t now)
{
	double usual;

	settle_usual(alert, now);
	alert->in_window++;
	if (alert->usual < 0 || alert->in_window < ALERT_RATE_MIN)
		return;
	usual = alert->usual < 1 ? 1 : alert->usual;
	weigh(a, alert, (int64_t)((double)alert->in_window / usual), now);
}

static const char *
extension(const char *path, size_t len, size_t *ext_len)
{
	size_t at = len;

	while (at > 0 && path[at - 1] != '.' && path[at - 1] != '/')
		at--;
	if (at == 0 || path[at - 1] != '.')
		at = len;
	*ext_len = len - at;
	return path + at;
}

static bool
changes_extension(const struct event *ev)
{
	size_t from_len, to_len;
	const char *from, *to;

	if (ev->old_path == NULL)
		return false;
	from = extension(ev->old_path, ev->old_path_len, &from_len);
	to = extension(ev->path, ev->path_len, &to_len);
	return to_len > 0 && (from_len != to_len || memcmp(from, to, to_len) != 0);
}

static bool
counts(enum alert_rule rule, const struct event *ev)
{
	if (ev->is_dir)
		return false;
	return (rule == ALERT_MASS_DELETE && ev->type == EVENT_DELETED) ||
	    (rule == ALERT_MASS_RENAME && ev->type == EVENT_RENAMED &&
		changes_extension(ev));
}

void
alerts_event(struct alerts *a, const struct event *ev, int64_t now)
{
	for (size_t i = 0; i < a->n; i++) {
		struct alert *alert = &a->v[i];

		if (alert->config->rule == ALERT_EVENT_RATE)
			rate(a, alert, now);
		else if (counts(alert->config->rule, ev))
			weigh(a, alert, (int64_t)slide(alert, now), now);
	}
}

void
alerts_entropy(struct alerts *a, double bits, int64_t now)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].config->rule == ALERT_HIGH_ENTROPY && bits >= ALERT_ENTROPY)
			weigh(a, &a->v[i], (int64_t)slide(&a->v[i], now), now);
}

static void
measure(struct alerts *a, enum alert_rule rule, int64_t value, int64_t now)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].config->rule == rule)
			weigh(a, &a->v[i], value, now);
}

void
alerts_latency(struct alerts *a, int64_t ms, int64_t now)
{
	measure(a, ALERT_LATENCY, ms, now);
}

void
alerts_queue_age(struct alerts *a, int64_t ms, int64_t now)
{
	measure(a, ALERT_QUEUE_AGE, ms, now);
}

bool
alerts_have(const struct alerts *a, enum alert_rule rule)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].config->rule == rule)
			return true;
	return false;
}

bool
alerts_state(const struct alerts *a, size_t i, struct alert_state *state)
{
	if (i >= a->n)
		return false;
	*state = a->v[i].state;
	return true;
}
