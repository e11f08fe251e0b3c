/* SPDX-License-Identifier: ISC */
#include "watcher/order.h"

#include <string.h>

#include "watcher/choice_priv.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/watcher_priv.h"

#define MOVE_CANDIDATES 16

static bool
is_dir(const struct node *node)
{
	return node->sig.type == SIG_DIR && !node->gone;
}

static bool
takes_dirs(const struct choice *c)
{
	return (c->handler->config->types & TYPE_BIT_DIR) != 0;
}

/* The nearest directory above that this handler has to be told of first.  One that
   it does not want, but could, is there to be removed, and waits for what is below. */
static int64_t
pending_above(struct choice *c)
{
	struct node above = c->node;
	struct delivery d;
	size_t len = c->path.len;

	/* To look at each directory for each load would be dear. */
	if (!takes_dirs(c) && !state_hints(c->w->state)->in_way)
		return 0;
	while (above.parent != 0 && node_get(c->w->state, above.parent, &above)) {
		const char *slash = memrchr(c->path.p, '/', len);

		len = slash == NULL ? 0 : (size_t)(slash - c->path.p);
		if ((takes_dirs(c) ? pending_wants(c->handler, &above, c->path.p, len)
				   : is_dir(&above)) &&
		    delivery_get(c->w->state, c->d.handler, above.id, &d) && d.pending)
			return above.id;
	}
	return 0;
}

/* Not so a directory that is to be told of, or stands where the handler knows
   something else. */
static bool
waits_for_below(const struct choice *c)
{
	return !is_dir(&c->node) || (!c->wanted && takes_dirs(c));
}

int64_t
order_first(struct choice *c)
{
	int64_t first = 0;

	if (waits_for_below(c))
		first = delivery_below(c->w->state, c->d.handler, c->d.node);
	if (first == 0 && c->wanted)
		first = pending_above(c);
	return first;
}

void
order_note_pending(struct watcher *w, const struct node *node)
{
	if (is_dir(node))
		state_hints(w->state)->in_way = true;
}

void
order_note_done(struct watcher *w, int64_t id)
{
	struct node node;

	if (state_hints(w->state)->in_way && node_get(w->state, id, &node) &&
	    is_dir(&node))
		state_look_in_way(w->state);
}

/*
 * The other end of a move: for a path that came by a rename, the one it had,
 * known to the handler just as it was; for one that went by a rename, the one
 * it has now, not told yet.
 */
static bool
is_other_end(struct choice *c, int64_t id, struct delivery *other)
{
	struct node node;

	if (id == c->node.id || !node_get(c->w->state, id, &node) ||
	    node.gone == c->node.gone ||
	    (node.gone ? c->node.origin != id : node.origin != c->node.id) ||
	    !sig_moved(&node.sig, &c->node.sig) ||
	    !delivery_get(c->w->state, c->d.handler, id, other) ||
	    place_path(c->w, id, &c->w->scratch) != c->root)
		return false;
	if (node.gone)
		return delivery_is_known(other) && other->sig == sig_hash(&node.sig) &&
		    other->due != STATE_DUE_RUNNING;
	return other->state == DELIVERY_NO && other->pending && other->attempts == 0;
}

static bool
other_end(struct choice *c, struct delivery *other)
{
	int64_t ids[MOVE_CANDIDATES];
	size_t n;

	if (c->handler->config->move.n == 0 || c->node.sig.type == SIG_DIR)
		return false;
	n = node_by_inode(c->w->state, c->node.sig.ino, ids, MOVE_CANDIDATES);
	for (size_t i = 0; i < n; i++)
		if (is_other_end(c, ids[i], other))
			return true;
	return false;
}

bool
order_moved_from(struct choice *c, struct delivery *old)
{
	return c->d.state == DELIVERY_NO && c->d.attempts == 0 && other_end(c, old);
}

/* What was not told as it was when it went is no move's (is_other_end). */
bool
order_moves_to(struct choice *c, struct delivery *to)
{
	return delivery_is_known(&c->d) && c->d.sig == sig_hash(&c->node.sig) &&
	    other_end(c, to);
}
