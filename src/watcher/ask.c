/* SPDX-License-Identifier: ISC */
#include "watcher/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "state/delivery.h"
#include "watcher/ask_priv.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define RECORDS_MAX 16 /* of the questions: the others are for loads */
#define CHOICES_A_TURN 64
#define LEASE_MS 3600000 /* an answer always comes, or a restart */
#define UNSEEN_WAIT_MS 5000

/* What programs write before they rename it: nobody wants its checksum. */
static char *const temp_patterns[] = { (char *)"*~", (char *)"*.tmp", (char *)"*.swp",
	(char *)"*.swx", (char *)"4913", (char *)".#*", (char *)".goutputstream-*" };

struct asks *
asks_new(struct watcher *w)
{
	const struct strlist temp = { (char **)(uintptr_t)temp_patterns,
		COUNTOF(temp_patterns) };
	struct asks *asks;

	if (w->state == NULL || w->wire == NULL)
		return NULL;
	asks = xcalloc(1, sizeof(*asks));
	asks->temp = globs_new(&temp);
	sums_restart(w->state, clk_mono_ms());
	return asks;
}

void
asks_free(struct asks *asks)
{
	if (asks == NULL)
		return;
	globs_free(asks->temp);
	free(asks);
}

void
asks_stats(const struct asks *asks, struct ask_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	if (asks == NULL)
		return;
	*stats = asks->stats;
	stats->now = asks->n;
	stats->away = asks->away_until > clk_mono_ms();
}

/* Does an alert look at what files hold? */
static bool
entropy_counts(const struct config *config)
{
	for (size_t i = 0; i < config->n_alerts; i++)
		if (config->alerts[i].rule == ALERT_HIGH_ENTROPY)
			return true;
	return false;
}

static bool
records_want(const struct watcher *w)
{
	return w->config->checksum != CHECKSUM_OFF || entropy_counts(w->config);
}

static bool
loads_want(const struct watcher *w)
{
	return w->asks != NULL &&
	    (w->config->checksum != CHECKSUM_OFF || body_counts(w->config));
}

void
asks_reload(struct watcher *w)
{
	if (w->asks != NULL && !records_want(w))
		sums_drop_wanted(w->state);
}

bool
ask_is_full(const struct watcher *w)
{
	return loads_want(w) && w->asks->n == ASKS_MAX;
}

static struct ask *
find_ask(struct asks *asks, int64_t node, int64_t sig)
{
	for (size_t i = 0; i < asks->n; i++)
		if (asks->v[i].node == node && asks->v[i].sig == sig)
			return &asks->v[i];
	return NULL;
}

/* sum: what wants it for a record; NULL: a load. */
static void
note_record(struct asks *asks, struct ask *ask, const struct sum *sum)
{
	if (sum == NULL)
		return;
	asks->n_for_records += !ask->for_record;
	ask->for_record = true;
	ask->seq = sum->seq;
}

/* false: it cannot be asked now. */
static bool
ask(struct watcher *w, struct root *root, const struct node *node, const char *path,
    const struct sum *sum)
{
	struct asks *asks = w->asks;
	int64_t sig = sig_hash(&node->sig);
	struct wire_msg msg = { .type = WIRE_READ, .root = root->index, .path = path };

	struct ask *ask = find_ask(asks, node->id, sig);

	if (ask != NULL) {
		note_record(asks, ask, sum);
		return true;
	}
	if (asks->n == ASKS_MAX || asks->away_until > clk_mono_ms() || !w->runner_ready)
		return false;
	msg.id = ++asks->last_id;
	if (!wire_send(w->wire, &msg))
		return false;
	ask = &asks->v[asks->n++];
	*ask = (struct ask){ .id = msg.id, .node = node->id, .sig = sig };
	note_record(asks, ask, sum);
	asks->stats.asked++;
	return true;
}

/* Was this very state read already, whatever came of it? */
static bool
is_answered(const struct watcher *w, const struct node *node, const struct sum *sum)
{
	if (sum->sig == 0 || sum->sig != sig_hash(&node->sig))
		return false;
	return sum->state != CONTENT_TOO_LARGE ||
	    node->sig.size > w->config->checksum_max_size;
}

bool
ask_for_load(struct watcher *w, struct root *root, const struct node *node,
    const char *path, struct body *body)
{
	struct sum sum;

	body_set(body, &node->sig, NULL);
	if (!loads_want(w) || node->sig.type != SIG_FILE ||
	    globs_match(w->asks->temp, path, strlen(path), false))
		return false;
	sums_get(w->state, node->id, &sum);
	if (is_answered(w, node, &sum)) {
		body_set(body, &node->sig, sum.known ? sum.raw : NULL);
		return false;
	}
	return node->sig.size <= w->config->checksum_max_size &&
	    ask(w, root, node, path, NULL);
}

void
ask_for_record(struct watcher *w, const struct node *node, const char *path, size_t len,
    uint64_t seq)
{
	const struct settle_limits limits = { w->config->settle_ms,
		w->config->settle_max_ms };
	int64_t now = clk_mono_ms();
	struct sum sum;

	if (w->asks == NULL || !records_want(w) || node->sig.type != SIG_FILE ||
	    globs_match(w->asks->temp, path, len, false))
		return;
	sums_get(w->state, node->id, &sum);
	if (!sum.wanted) {
		sum.since = now;
		sum.seq = 0;
	}
	sum.wanted = true;
	if (seq != 0)
		sum.seq = seq;
	sum.attempts = 0;
	sum.due = settle_due(&limits, sum.since, now);
	sums_put(w->state, &sum);
}

void
ask_renew(struct watcher *w, const struct node *node, const char *path, size_t len)
{
	struct sum sum;

	if (w->asks == NULL)
		return;
	for (size_t i = 0; i < w->asks->n; i++)
		if (w->asks->v[i].node == node->id)
			w->asks->v[i].sig = 0; /* of no state: its answer is stale */
	if (!sums_get(w->state, node->id, &sum) || sum.sig == 0)
		return;
	sum.sig = 0;
	sum.known = false;
	sums_put(w->state, &sum);
	ask_for_record(w, node, path, len, sum.seq);
}

static bool
is_of_content(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_CREATED:
	case EVENT_RENAMED:
	case EVENT_EDITED:
		return ev->path != NULL && !ev->is_dir;
	case EVENT_MODIFIED:
		return ev->kind == EVENT_CONTENT && !ev->is_dir;
	default:
		return false;
	}
}

bool
ask_finds_rows(const struct watcher *w)
{
	return w->asks != NULL && records_want(w);
}

void
ask_for_written(struct watcher *w, const struct event *ev, uint64_t seq)
{
	struct node node;

	if (!ask_finds_rows(w) || !is_of_content(ev))
		return;
	for (size_t i = 0; i < w->n_roots; i++)
		if (strcmp(w->roots[i].path, ev->root) == 0 &&
		    node_lookup(
			w->state, w->roots[i].node, ev->path, ev->path_len, &node) &&
		    !node.gone)
			ask_for_record(w, &node, ev->path, ev->path_len, seq);
}

/* A path that is due for a record. */
struct wanted {
	struct watcher *w;
	struct sum sum;
	struct node node;
	struct root *root;
	struct buf path;
};

static void
put_off(struct wanted *wanted, int64_t due)
{
	wanted->sum.due = due;
	sums_put(wanted->w->state, &wanted->sum);
}

static void
forget(struct wanted *wanted)
{
	wanted->sum.wanted = false;
	sums_put(wanted->w->state, &wanted->sum);
}

/* There, as it was seen, with stamps that are sure?  Where not, it is due later. */
static bool
is_settled(struct wanted *wanted, int64_t now)
{
	struct watcher *w = wanted->w;
	struct stat st;
	struct sig sig;
	int64_t wait;
	enum presence presence =
	    reconcile_presence(w, wanted->root, wanted->path.p, wanted->path.len, &st);

	if (presence == PRESENCE_UNKNOWN) {
		put_off(wanted, now + UNSEEN_WAIT_MS);
		return false;
	}
	if (presence == PRESENCE_PRESENT) {
		sig_from_stat(&sig, &st);
		if (sig_compare(&wanted->node.sig, &sig) == SIG_SAME) {
			wait = settle_unsure_ms(&st, clk_wall_ns());
			if (wait > 0)
				put_off(wanted, now + wait);
			return wait <= 0;
		}
	}
	/* Before the look, which may find something new and make it due itself. */
	put_off(wanted, now + w->config->settle_ms + 1);
	reconcile_path(
	    w, wanted->root, wanted->path.p, wanted->path.len, HINT_LOOK, NULL);
	return false;
}

static void
consider(struct wanted *wanted, int64_t now)
{
	struct watcher *w = wanted->w;

	if (node_get(w->state, wanted->sum.node, &wanted->node) && !wanted->node.gone)
		wanted->root = place_path(w, wanted->sum.node, &wanted->path);
	if (wanted->root == NULL || wanted->node.sig.type != SIG_FILE) {
		forget(wanted);
		return;
	}
	if (!is_settled(wanted, now))
		return;
	if (is_answered(w, &wanted->node, &wanted->sum)) {
		answer_complete(w, wanted->root, &wanted->node, &wanted->path);
		return;
	}
	put_off(wanted,
	    ask(w, wanted->root, &wanted->node, wanted->path.p, &wanted->sum)
		? now + LEASE_MS
		: now + UNSEEN_WAIT_MS);
}

/* What is due is asked for once the runner can be. */
static bool
may_ask(const struct watcher *w, int64_t now)
{
	const struct asks *asks = w->asks;

	return asks != NULL && records_want(w) && w->runner_ready && !w->stopping &&
	    !w->degraded && asks->n_for_records < RECORDS_MAX && asks->n < ASKS_MAX &&
	    asks->away_until <= now;
}

void
ask_choose(struct watcher *w, int64_t now)
{
	struct wanted wanted = { .w = w, .path = BUF_INIT };

	for (int n = 0; n < CHOICES_A_TURN && may_ask(w, now); n++) {
		if (!sums_next(w->state, now, &wanted.sum))
			break;
		wanted.root = NULL;
		consider(&wanted, now);
	}
	buf_release(&wanted.path);
}

int64_t
ask_due(struct watcher *w, int64_t now)
{
	if (w->asks != NULL && w->asks->away_until > now)
		return w->asks->away_until;
	return may_ask(w, now) ? sums_next_due(w->state) : -1;
}
