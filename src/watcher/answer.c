/* SPDX-License-Identifier: ISC */
/* What follows from an answer about a file's content. */
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "state/delivery.h"
#include "watcher/ask_priv.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/record.h"
#include "watcher/stream.h"
#include "watcher/watcher_priv.h"

#define AWAY_MS 1000
#define AWAY_MAX_MS 60000
#define ATTEMPTS_MAX 3
#define NS_PER_S 1000000000LL

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

static void
record_content(
    struct watcher *w, struct root *root, const struct buf *path, struct event *event)
{
	if (event->entropy >= 0)
		stream_entropy(w->stream, event->entropy / 1000.);
	if (w->config->checksum == CHECKSUM_OFF)
		return;
	event->type = EVENT_CHECKSUMMED;
	event->path = path->p;
	event->path_len = path->len;
	record_aside(w, root, event);
}

/* What is known of the state that the path is in. */
static void
record_sum(struct watcher *w, struct root *root, const struct node *node,
    const struct buf *path, const struct sum *sum)
{
	char text[CONTENT_SUM_SIZE];
	struct stat st = { .st_mode = S_IFREG };
	struct event event = { .st = &st, .of = sum->seq, .entropy = sum->entropy };

	st.st_size = node->sig.size;
	st.st_ino = node->sig.ino;
	st.st_mtim = timespec_of(node->sig.mtime);
	if (sum->known) {
		content_sum_text(sum->raw, text);
		event.checksum = text;
	} else {
		event.checksum_state = content_state_name(sum->state);
	}
	record_content(w, root, path, &event);
}

static void
complete(struct watcher *w, struct root *root, const struct node *node,
    const struct buf *path, struct sum *sum)
{
	if (sum->wanted)
		record_sum(w, root, node, path, sum);
	sum->wanted = false;
	sum->attempts = 0;
	sums_put(w->state, sum);
}

void
answer_complete(
    struct watcher *w, struct root *root, const struct node *node, const struct buf *path)
{
	struct sum sum;

	if (sums_get(w->state, node->id, &sum))
		complete(w, root, node, path, &sum);
}

/* An answer, and what it is about. */
struct answer {
	struct watcher *w;
	const struct content *content;
	struct ask ask;
	struct node node;
	struct root *root;
	struct buf path;
	struct sum sum;
	int64_t now;
};

static bool
take_ask(struct asks *asks, uint64_t id, struct ask *ask)
{
	for (size_t i = 0; i < asks->n; i++) {
		if (asks->v[i].id != id)
			continue;
		*ask = asks->v[i];
		asks->v[i] = asks->v[--asks->n];
		asks->n_for_records -= ask->for_record;
		return true;
	}
	return false;
}

/* Loads that waited go on, with what is known by now. */
static void
unblock_loads(const struct answer *a)
{
	for (size_t i = 0; i < a->w->n_handlers; i++)
		delivery_unblock(a->w->state, a->w->handlers[i].id, a->ask.node, a->now);
}

/* Nobody waits for a helper that is not there; it is asked for again later. */
static void
note_away(struct answer *a)
{
	struct asks *asks = a->w->asks;
	char in[32];

	asks->stats.unavailable++;
	if (a->sum.wanted) {
		a->sum.due = a->now;
		sums_put(a->w->state, &a->sum);
	}
	if (asks->away_until > a->now)
		return;
	asks->away_ms = asks->away_ms == 0    ? AWAY_MS
	    : asks->away_ms * 2 > AWAY_MAX_MS ? AWAY_MAX_MS
					      : asks->away_ms * 2;
	asks->away_until = a->now + asks->away_ms;
	log_warnx("checksums: the helper is not available (files are delivered without; "
		  "asked again in %s)",
	    clk_format_duration(asks->away_ms, in, sizeof(in)));
}

/* Was the state read that was seen? */
static bool
is_of_state(const struct answer *a)
{
	const struct content *content = a->content;
	const struct sig *sig = &a->node.sig;

	return content->ino == sig->ino && content->size == sig->size &&
	    content->mtime_ns == sig->mtime && content->ctime_ns == sig->ctime;
}

static void
keep(struct answer *a, enum content_state state)
{
	struct ask_stats *stats = &a->w->asks->stats;

	a->sum.sig = a->ask.sig;
	a->sum.state = state;
	a->sum.entropy = a->content->entropy;
	a->sum.known =
	    state == CONTENT_READ && content_sum_raw(a->content->sum, a->sum.raw);
	stats->read += a->sum.known;
	stats->failed += !a->sum.known;
	complete(a->w, a->root, &a->node, &a->path, &a->sum);
}

static void
ask_later(struct answer *a, int64_t wait_ms)
{
	a->sum.due = a->now + wait_ms;
	if (a->sum.wanted || a->sum.attempts > 0)
		sums_put(a->w->state, &a->sum);
}

static bool
is_stale(const struct answer *a)
{
	return sig_hash(&a->node.sig) != a->ask.sig;
}

/* A state that was gone before it was read: its record gets no checksum, the next
   one will. */
static void
record_changed(const struct answer *a)
{
	const struct content *content = a->content;
	struct stat st = { .st_mode = S_IFREG };
	struct event event = {
		.st = &st,
		.of = a->ask.seq,
		.checksum_state = content_state_name(content->state),
		.entropy = content->entropy,
	};

	st.st_size = content->size;
	st.st_ino = content->ino;
	st.st_mtim = timespec_of(content->mtime_ns);
	record_content(a->w, a->root, &a->path, &event);
}

/*
 * What was read is not what was seen.  Mostly that is news, which the look
 * finds, and the path will be asked for again.  Else nothing can be known: the
 * name meant another file for a moment, or the file system tells what it likes.
 */
static void
look_again(struct answer *a)
{
	enum content_state state = a->content->state;

	ask_later(a, a->w->config->settle_ms + 1);
	reconcile_path(a->w, a->root, a->path.p, a->path.len, HINT_LOOK, NULL);
	if (!node_get(a->w->state, a->ask.node, &a->node) || a->node.gone || is_stale(a))
		return;
	sums_get(a->w->state, a->ask.node, &a->sum);
	keep(a, state == CONTENT_READ ? CONTENT_CHANGED : state);
}

/* It ended over this file: that may be chance, or the file. */
static void
note_crash(struct answer *a)
{
	if (++a->sum.attempts >= ATTEMPTS_MAX)
		keep(a, CONTENT_CRASHED);
	else
		ask_later(a, AWAY_MS);
}

static bool
find_node(struct answer *a)
{
	if (!node_get(a->w->state, a->ask.node, &a->node) || a->node.gone)
		return false;
	a->root = place_path(a->w, a->ask.node, &a->path);
	return a->root != NULL;
}

static void
note(struct answer *a)
{
	enum content_state state = a->content->state;

	if (state == CONTENT_UNAVAILABLE) {
		note_away(a);
		return;
	}
	a->w->asks->away_ms = 0;
	a->w->asks->away_until = 0;
	if (!find_node(a))
		return;
	if (state == CONTENT_CHANGED && a->ask.for_record)
		record_changed(a);
	if (is_stale(a))
		ask_later(a, a->w->config->settle_ms + 1);
	else if (state == CONTENT_CRASHED)
		note_crash(a);
	else if ((state == CONTENT_UNREADABLE && a->content->ino == 0) ||
	    (is_of_state(a) && state != CONTENT_CHANGED))
		keep(a, state);
	else
		look_again(a);
}

void
ask_answer(struct watcher *w, const struct wire_msg *msg)
{
	struct answer a = { .w = w, .content = &msg->content, .path = BUF_INIT };

	if (w->asks == NULL || !take_ask(w->asks, msg->id, &a.ask)) {
		log_warnx("runner: an answer to question %llu, which was not asked (left "
			  "out)",
		    (unsigned long long)msg->id);
		return;
	}
	a.now = clk_mono_ms();
	sums_get(w->state, a.ask.node, &a.sum);
	note(&a);
	unblock_loads(&a);
	buf_release(&a.path);
}
