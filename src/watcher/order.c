/* SPDX-License-Identifier: ISC */
#include "watcher/order.h"

#include <string.h>

#include "watcher/choice_priv.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/watcher_priv.h"

#define MOVE_CANDIDATES 16

/* The nearest directory above that this handler has to be told of first.  One
   it does not want is there to be removed, and waits for what is below it. */
static int64_t
pending_above(struct choice *c)
{
	struct node above = c->node;
	struct delivery d;
	size_t len = c->path.len;

	if (!(c->handler->config->types & TYPE_BIT_DIR))
		return 0;
	while (above.parent != 0 && node_get(c->w->state, above.parent, &above)) {
		const char *slash = memrchr(c->path.p, '/', len);

		len = slash == NULL ? 0 : (size_t)(slash - c->path.p);
		if (pending_wants(c->handler, &above, c->path.p, len) &&
		    delivery_get(c->w->state, c->d.handler, above.id, &d) && d.pending)
			return above.id;
	}
	return 0;
}

int64_t
order_first(struct choice *c)
{
	int64_t first = 0;

	if (!c->wanted || c->node.sig.type != SIG_DIR)
		first = delivery_child(c->w->state, c->d.handler, c->d.node);
	if (first == 0 && c->wanted)
		first = pending_above(c);
	return first;
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
		return other->state == DELIVERY_YES &&
		    other->sig == sig_hash(&node.sig) && other->due != STATE_DUE_RUNNING;
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
	return c->d.state == DELIVERY_YES && c->d.sig == sig_hash(&c->node.sig) &&
	    other_end(c, to);
}
