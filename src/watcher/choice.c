/* SPDX-License-Identifier: ISC */
#include "watcher/choice.h"

#include <string.h>
#include <sys/stat.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "state/delivery.h"
#include "watcher/ask.h"
#include "watcher/choice_priv.h"
#include "watcher/dispatch.h"
#include "watcher/order.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"
#include "watcher/witness.h"

#define UNSEEN_WAIT_MS 5000
#define LOOK_AGAIN_MS 20
#define CONTENT_WAIT_MS 30000
#define MOVE_WAIT_MS 30000

static void
postpone(struct choice *c, int64_t due)
{
	c->d.due = due;
	c->d.blocked_on = 0;
	delivery_put(c->w->state, &c->d);
}

static void
block_on(struct choice *c, int64_t node)
{
	c->d.due = STATE_DUE_BLOCKED;
	c->d.blocked_on = node;
	delivery_put(c->w->state, &c->d);
}

/* Not for ever: the other end may wait for yet others. */
static void
wait_for_move(struct choice *c, int64_t to)
{
	c->d.due = clk_mono_ms() + MOVE_WAIT_MS;
	c->d.blocked_on = to;
	delivery_put(c->w->state, &c->d);
}

static void
drop_row(struct choice *c)
{
	delivery_delete(c->w->state, c->d.handler, c->d.node);
	delivery_unblock(c->w->state, c->d.handler, c->d.node, clk_mono_ms());
	pending_cleanup(c->w, c->root, c->d.node);
}

/* Nothing could be concluded (a directory above is being renamed): not at once again. */
static void
look_later(struct choice *c)
{
	struct delivery d;

	if (!delivery_get(c->w->state, c->d.handler, c->d.node, &d) || !d.pending ||
	    d.due != c->d.due)
		return;
	c->d = d;
	postpone(c, clk_mono_ms() + LOOK_AGAIN_MS);
}

/* Length of the path of the directory that the first len bytes are in. */
static size_t
dir_len(const struct choice *c, size_t len)
{
	const char *slash = memrchr(c->path.p, '/', len);

	return slash == NULL ? 0 : (size_t)(slash - c->path.p);
}

/*
 * Did something else, such as a symbolic link, take the place of a directory above
 * it?  Then what is seen through that, or cannot be, is not this path.  What the
 * filter leaves out has no row that would say so: it is looked at.
 */
static bool
is_elsewhere(struct choice *c)
{
	struct node dir = c->node;
	struct stat st;

	for (size_t len = dir_len(c, c->path.len); len > 0; len = dir_len(c, len)) {
		if (!node_get(c->w->state, dir.parent, &dir))
			return false;
		if (!dir.gone)
			return dir.sig.type != SIG_DIR && dir.sig.ino != 0;
		if (watcher_lstat(c->w, c->root, c->path.p, len, &st) == 0 &&
		    !S_ISDIR(st.st_mode))
			return true;
	}
	return false;
}

/* Is the row still what is there?  Where not, it is looked at, and due later. */
static bool
is_current(struct choice *c)
{
	struct sig sig;
	enum presence presence =
	    reconcile_presence(c->w, c->root, c->path.p, c->path.len, &c->st);

	if (presence != PRESENCE_ABSENT && c->node.gone && is_elsewhere(c))
		return true;
	if (presence == PRESENCE_UNKNOWN) {
		c->w->intake.unseen++;
		postpone(c, clk_mono_ms() + UNSEEN_WAIT_MS);
		return false;
	}
	if (presence == PRESENCE_ABSENT && c->node.gone)
		return true;
	if (presence == PRESENCE_PRESENT) {
		bool is_dir = S_ISDIR(c->st.st_mode);

		sig_from_stat(&sig, &c->st);
		if (!c->node.gone && sig_compare(&c->node.sig, &sig) == SIG_SAME)
			return true;
		if (c->node.gone &&
		    !filter_want(c->root->filter, c->path.p, c->path.len, is_dir, NULL))
			return true;
	}
	reconcile_path(c->w, c->root, c->path.p, c->path.len, HINT_LOOK, NULL);
	look_later(c);
	return false;
}

/* Whether the row needs a run at all; settles it where not. */
static bool
needs_run(struct choice *c)
{
	if (c->wanted && c->handler->config->load.n > 0)
		return true;
	if (c->wanted) {
		pending_update(c->w, c->root, &c->node, c->path.p, c->path.len, false);
		return false;
	}
	if (c->d.state != DELIVERY_NO && c->handler->config->remove_file.n > 0)
		return true;
	drop_row(c);
	return false;
}

static const char *
event_of(const struct choice *c, enum wire_command command)
{
	if (command == WIRE_MOVE)
		return "renamed";
	if (command == WIRE_REMOVE)
		return "deleted";
	return c->d.state == DELIVERY_NO ? "created" : "modified";
}

/* Of a directory the times are no part of the signature. */
static int64_t
unsure_ms(const struct choice *c)
{
	return c->wanted && c->node.sig.type != SIG_DIR
	    ? settle_unsure_ms(&c->st, clk_wall_ns())
	    : 0;
}

/* A path that its handlers keep changing is left alone for a while. */
static int64_t
cooling_ms(const struct choice *c)
{
	if (!c->wanted)
		return 0;
	return loops_wait(&c->w->loops, c->node.id, c->node.sig.ctime, clk_mono_ms());
}

static struct job *
job_new(struct choice *c, enum wire_command command)
{
	struct watcher *w = c->w;
	struct job *job = xcalloc(1, sizeof(*job));
	struct fm_stats stats;

	job->id = ++w->next_job;
	job->handler = c->handler;
	job->root = c->root;
	job->node = c->node.id;
	job->command = command;
	job->attempt = c->d.attempts + 1;
	job->start_ms = clk_mono_ms();
	job->looked_ms = c->now_ms;
	job->looked_wall_ns = c->now_wall_ns;
	job->event = event_of(c, command);
	job->path = xstrndup(c->path.p, c->path.len);
	job->sig = c->wanted ? sig_hash(&c->node.sig) : 0;
	job->size = c->wanted ? c->st.st_size : -1;
	fm_watch_stats(c->root->watch, &stats);
	if (command == WIRE_LOAD)
		job->body = c->body;
	if (stats.polled > 0 || job->body.known)
		job->chain = witness_chain(w, c->root, job->path);
	job->polled = stats.polled > 0;
	dispatch_add(w, job);
	return job;
}

/* Intent first: the row says "perhaps", and will after a power cut, before the
   runner is asked. */
static void
begin(struct choice *c, enum wire_command command, struct delivery *old)
{
	struct job *job = job_new(c, command);

	job->unsure = unsure_ms(c) > 0;
	if (job->unsure && !c->node.unsure)
		node_set_unsure(c->w->state, &c->node, true);
	if (c->w->config->sync_state &&
	    (c->d.state != DELIVERY_PERHAPS || command == WIRE_MOVE))
		state_must_last(c->w->state);
	job->before = c->d.state;
	c->d.state = DELIVERY_PERHAPS;
	c->d.tried = job->sig;
	c->d.due = STATE_DUE_RUNNING;
	c->d.blocked_on = 0;
	delivery_put(c->w->state, &c->d);
	if (command != WIRE_MOVE)
		return;
	job->old_node = old->node;
	node_path(c->w->state, old->node, &c->w->scratch);
	job->old_path = xstrndup(c->w->scratch.p, c->w->scratch.len);
	old->state = DELIVERY_PERHAPS;
	if (!old->pending)
		old->since = c->d.since;
	old->pending = true;
	old->due = STATE_DUE_RUNNING;
	old->blocked_on = 0;
	delivery_put(c->w->state, old);
}

/* What a load would deliver is to be known; young: not yet. */
static bool
waits_for_content(struct choice *c, bool young)
{
	body_set(&c->body, &c->node.sig, NULL);
	/* One that is blocked on itself has waited long enough. */
	if (young || c->d.blocked_on == c->d.node ||
	    !ask_for_load(c->w, c->root, &c->node, c->path.p, &c->body))
		return false;
	c->d.due = clk_mono_ms() + CONTENT_WAIT_MS;
	c->d.blocked_on = c->d.node;
	delivery_put(c->w->state, &c->d);
	return true;
}

/* Another signature, but the state is the one that was delivered. */
static void
take_for_delivered(struct choice *c)
{
	c->d.sig = c->d.tried = sig_hash(&c->node.sig);
	c->d.body = c->body;
	c->d.pending = false;
	c->d.attempts = 0;
	c->d.blocked_on = 0;
	delivery_put(c->w->state, &c->d);
	delivery_unblock(c->w->state, c->d.handler, c->d.node, clk_mono_ms());
	c->handler->stats.same++;
}

static void
load(struct choice *c, bool young)
{
	struct delivery old;

	if (order_moved_from(c, &old))
		begin(c, WIRE_MOVE, &old);
	else if (waits_for_content(c, young))
		return;
	else if (delivery_is_known(&c->d) &&
	    body_is_same(c->w->config, &c->d.body, &c->body))
		take_for_delivered(c);
	else
		begin(c, WIRE_LOAD, NULL);
}

static bool
load_choice(struct choice *c)
{
	if (node_get(c->w->state, c->d.node, &c->node)) {
		c->root = place_path(c->w, c->d.node, &c->path);
		if (c->root != NULL)
			return true;
	}
	/* A root that is not watched any more. */
	delivery_delete(c->w->state, c->d.handler, c->d.node);
	delivery_unblock(c->w->state, c->d.handler, c->d.node, clk_mono_ms());
	return false;
}

static void
consider(struct choice *c)
{
	struct delivery to;
	int64_t first, wait;
	bool young;

	if (dispatch_job(c->w, c->handler, c->d.node) != NULL) {
		postpone(c, STATE_DUE_RUNNING);
		return;
	}
	if (!load_choice(c) || !is_current(c))
		return;
	c->wanted = pending_wants(c->handler, &c->node, c->path.p, c->path.len);
	first = order_first(c);
	if (first != 0) {
		block_on(c, first);
		return;
	}
	if (!c->wanted && order_moves_to(c, &to) && c->d.blocked_on != to.node) {
		wait_for_move(c, to.node);
		return;
	}
	if (!needs_run(c))
		return;
	wait = unsure_ms(c);
	young = wait > 0;
	if (young && c->w->config->settle_ms > 0) {
		postpone(c, clk_mono_ms() + wait);
		return;
	}
	wait = cooling_ms(c);
	if (wait > 0) {
		postpone(c, clk_mono_ms() + wait);
		return;
	}
	if (c->wanted)
		load(c, young);
	else
		begin(c, WIRE_REMOVE, NULL);
}

void
choice_take(struct watcher *w, struct handler *handler, const struct delivery *due)
{
	struct choice c = {
		.w = w,
		.handler = handler,
		.now_ms = clk_mono_ms(),
		.now_wall_ns = clk_wall_ns(),
		.d = *due,
		.path = BUF_INIT,
	};

	consider(&c);
	buf_release(&c.path);
}
