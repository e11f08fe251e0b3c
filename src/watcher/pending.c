/* SPDX-License-Identifier: ISC */
#include "watcher/pending.h"

#include "base/clk.h"
#include "state/delivery.h"
#include "watcher/dispatch.h"
#include "watcher/order.h"
#include "watcher/place.h"
#include "watcher/watcher_priv.h"

bool
pending_wants(
    const struct handler *handler, const struct node *node, const char *path, size_t len)
{
	return !node->gone && len > 0 &&
	    (handler->config->types & sig_type_bit(node->sig.type)) != 0 &&
	    globs_match(handler->match, path, len, node->sig.type == SIG_DIR);
}

static void
make_pending(struct watcher *w, struct delivery *d)
{
	const struct settle_limits limits = { w->config->settle_ms,
		w->config->settle_max_ms };
	int64_t now = clk_mono_ms();

	if (d->dead)
		delivery_failure_clear(w->state, d->handler, d->node);
	if (!d->pending)
		d->since = now;
	d->pending = true;
	d->dead = false;
	d->attempts = 0;
	d->blocked_on = 0;
	d->due = settle_due(&limits, d->since, now);
	delivery_put(w->state, d);
}

static void
settle_row(struct watcher *w, struct delivery *d)
{
	d->pending = false;
	d->attempts = 0;
	d->blocked_on = 0;
	delivery_put(w->state, d);
	delivery_unblock(w->state, d->handler, d->node, clk_mono_ms());
}

/* Nothing is run, but the path's removal will be told; tried 0 remembers that a
   load, should one be configured, never ran. */
static void
take_for_delivered(struct watcher *w, struct delivery *d, int64_t sig, int64_t tried)
{
	if (delivery_is_known(d) && d->sig == sig && !d->pending)
		return;
	d->state = tried == 0 ? DELIVERY_YES : DELIVERY_SKIPPED;
	d->sig = sig;
	d->body.known = false;
	d->tried = tried;
	settle_row(w, d);
}

/* One handler and one node. */
struct pair {
	struct watcher *w;
	struct root *root;
	struct handler *handler;
	const struct node *node;
	bool wanted, changed;
};

/* Was it there before the handler was, and has nothing happened to it since?  What
   has may be found by the listing that finds the others. */
static bool
is_skipped(const struct pair *p, const struct delivery *d)
{
	return p->handler->skip && p->root->in_scan && d->state == DELIVERY_NO &&
	    !d->pending && d->tried == 0 && p->node->sig.ctime < p->handler->skip_ns;
}

/* The handler wants the path: was it told of the state it is in? */
static void
compare_wanted(const struct pair *p, struct delivery *d)
{
	int64_t sig = sig_hash(&p->node->sig);

	if (p->handler->config->load.n == 0) {
		take_for_delivered(p->w, d, sig, 0);
	} else if (is_skipped(p, d)) {
		take_for_delivered(p->w, d, sig, sig);
	} else if (delivery_is_known(d) && d->sig == sig && d->tried != 0 &&
	    !p->changed) {
		if (d->pending)
			settle_row(p->w, d);
	} else if (!(d->dead && d->tried == sig && !p->changed)) {
		/* Or else the next look would find nothing to do. */
		if (p->changed && delivery_is_known(d) && d->sig == sig)
			d->state = DELIVERY_PERHAPS;
		make_pending(p->w, d);
	}
}

/* The handler does not want it (any more): does it know of it? */
static void
compare_unwanted(const struct pair *p, struct delivery *d)
{
	if (d->state == DELIVERY_NO ||
	    (p->handler->config->remove_file.n == 0 && p->handler->config->move.n == 0)) {
		delivery_delete(p->w->state, d->handler, d->node);
		delivery_unblock(p->w->state, d->handler, d->node, clk_mono_ms());
	} else if (!(d->dead && d->tried == 0)) {
		make_pending(p->w, d);
		order_note_pending(p->w, p->node);
	}
}

static void
compare(const struct pair *p)
{
	struct job *job = dispatch_job(p->w, p->handler, p->node->id);
	int64_t sig = p->wanted ? sig_hash(&p->node->sig) : 0;
	struct delivery d;
	bool had_row;

	if (job != NULL) {
		/* What runs may be just what is wanted now. */
		if (p->changed || sig != (job->node == p->node->id ? job->sig : 0))
			job->again = true;
		return;
	}
	had_row = delivery_get(p->w->state, p->handler->id, p->node->id, &d);
	if (p->wanted)
		compare_wanted(p, &d);
	else if (had_row)
		compare_unwanted(p, &d);
}

void
pending_update(struct watcher *w, struct root *root, const struct node *node,
    const char *path, size_t len, bool changed)
{
	struct pair p = { .w = w, .root = root, .node = node, .changed = changed };

	for (size_t i = 0; i < w->n_handlers; i++) {
		p.handler = &w->handlers[i];
		p.wanted = pending_wants(p.handler, node, path, len);
		compare(&p);
	}
}

void
pending_cleanup(struct watcher *w, struct root *root, int64_t id)
{
	struct node node;

	while (id != 0 && id != root->node && node_get(w->state, id, &node) &&
	    node.gone && !node_has_children(w->state, id) &&
	    !delivery_any(w->state, id)) {
		place_uncache(w, id);
		loops_forget(&w->loops, id);
		node_delete(w->state, id);
		id = node.parent;
	}
}

void
pending_carry(struct watcher *w, int64_t node, int64_t from, int64_t to)
{
	struct delivery d;

	for (size_t i = 0; i < w->n_handlers; i++) {
		if (!delivery_get(w->state, w->handlers[i].id, node, &d) ||
		    (d.sig != from && d.tried != from))
			continue;
		d.sig = d.sig == from ? to : d.sig;
		d.tried = d.tried == from ? to : d.tried;
		delivery_put(w->state, &d);
	}
}
