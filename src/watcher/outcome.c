/* SPDX-License-Identifier: ISC */
#include "watcher/outcome.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "state/cut.h"
#include "state/delivery.h"
#include "watcher/choice.h"
#include "watcher/dispatch.h"
#include "watcher/order.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/unsure.h"
#include "watcher/watcher_priv.h"
#include "watcher/witness.h"

#define DESCRIPTION_SIZE 256
#define SHORT_WAIT_MS 1000

/* A run that ended, and what it was for. */
struct ending {
	struct watcher *w;
	struct job *job;
	const struct wire_msg *msg;
	struct delivery d;
	int64_t now;
	char text[DESCRIPTION_SIZE];
};

/* Says what was seen meanwhile: where it differs, the path is pending again. */
static void
compare_again(struct watcher *w, int64_t id, bool changed)
{
	struct buf path = BUF_INIT;
	struct root *root;
	struct node node;

	if (node_get(w->state, id, &node)) {
		root = place_path(w, id, &path);
		if (root != NULL) {
			pending_update(w, root, &node, path.p, path.len, changed);
			pending_cleanup(w, root, id);
		}
	}
	buf_release(&path);
}

/*
 * Does the path's row say what was delivered?  Then there is nothing to compare:
 * whatever was seen of the path during the run would have said "again".
 */
static bool
is_as_delivered(const struct ending *e)
{
	const struct job *job = e->job;
	struct node node;

	return !job->again && job->sig != 0 && node_get(e->w->state, job->node, &node) &&
	    !node.gone && sig_hash(&node.sig) == job->sig;
}

static void
idle_row(struct delivery *d)
{
	d->pending = false;
	d->dead = false;
	d->attempts = 0;
	d->blocked_on = 0;
}

/* The path a move came from is known to be gone. */
static void
old_path_done(struct ending *e)
{
	if (e->job->old_node == 0)
		return;
	delivery_delete(e->w->state, e->job->handler->id, e->job->old_node);
	delivery_unblock(e->w->state, e->job->handler->id, e->job->old_node, e->now);
	compare_again(e->w, e->job->old_node, false);
}

/* ... or still has to be told of. */
static void
old_path_pending(struct ending *e)
{
	struct delivery old;

	if (e->job->old_node == 0 ||
	    !delivery_get(e->w->state, e->job->handler->id, e->job->old_node, &old))
		return;
	old.pending = true;
	old.due = e->now;
	delivery_put(e->w->state, &old);
}

static void
delivered(struct ending *e)
{
	struct job *job = e->job;

	job->handler->stats.ok++;
	delivery_failure_clear(e->w->state, job->handler->id, job->node);
	idle_row(&e->d);
	if (job->command == WIRE_REMOVE && !job->again) {
		delivery_delete(e->w->state, job->handler->id, job->node);
	} else {
		e->d.state = job->again ? DELIVERY_PERHAPS : DELIVERY_YES;
		e->d.sig = job->sig;
		e->d.body = job->body;
		/* Changed and changed back meanwhile, its notifications yet to come? */
		e->d.body.known = job->body.known && witness_chain_same(e->w, job);
		delivery_put(e->w->state, &e->d);
	}
	old_path_done(e);
	delivery_unblock(e->w->state, job->handler->id, job->node, e->now);
	if (!is_as_delivered(e))
		compare_again(e->w, job->node, job->again);
	if (job->unsure)
		unsure_within(e->w, UNSURE_FILE_MS);
}

static void
note_failure(struct ending *e)
{
	struct handler_stats *stats = &e->job->handler->stats;
	const struct delivery_failure failure = {
		.command = dispatch_command_name(e->job->command),
		.outcome = e->text,
		.output = e->msg->output == NULL ? "" : e->msg->output,
		.output_len = e->msg->output_len,
		.wall_ns = clk_wall_ns(),
	};

	delivery_fail(e->w->state, e->job->handler->id, e->job->node, &failure);
	free(stats->last_path);
	stats->last_path = xstrdup(e->job->path);
	strlcpy(stats->last_outcome, e->text, sizeof(stats->last_outcome));
	stats->last_wall_ns = failure.wall_ns;
}

static void
give_up(struct ending *e)
{
	e->d.pending = false;
	e->d.dead = true;
	e->d.blocked_on = 0;
	delivery_put(e->w->state, &e->d);
	delivery_unblock(e->w->state, e->job->handler->id, e->job->node, e->now);
	/* One of the command line is that of 'filemonctl run', which has no project. */
	log_warnx("handler %s: %s %s: %s (attempt %lld: given up%s)",
	    e->job->handler->config->name, dispatch_command_name(e->job->command),
	    e->job->path, e->text, (long long)e->d.attempts,
	    e->job->handler->config->line > 0 ? "; 'filemonctl failures' shows the output"
					      : "");
}

/* "2 of 4", or "2" where there is no end. */
static const char *
count_attempts(const struct ending *e, char *out, size_t size)
{
	int64_t retries = e->job->handler->config->retries;

	if (retries < 0)
		snprintf(out, size, "%lld", (long long)e->d.attempts);
	else
		snprintf(out, size, "%lld of %lld", (long long)e->d.attempts,
		    (long long)(retries + 1));
	return out;
}

/* What waits to be removed until it was loaded waits no more (order.h). */
static void
release_removals(const struct ending *e)
{
	const struct job *job = e->job;
	struct node node;

	if (job->command != WIRE_REMOVE && node_get(e->w->state, job->node, &node) &&
	    node.sig.type != SIG_DIR)
		delivery_unblock(e->w->state, job->handler->id, job->node, e->now);
}

static void
try_again(struct ending *e)
{
	const struct handler_config *config = e->job->handler->config;
	int64_t wait = retry_wait_ms(config, e->d.attempts, arc4random());
	char in[32], of[48];

	e->d.due = e->now + wait;
	delivery_put(e->w->state, &e->d);
	release_removals(e);
	e->job->handler->stats.retries++;
	log_info("handler %s: %s %s: %s (attempt %s, next in %s)", config->name,
	    dispatch_command_name(e->job->command), e->job->path, e->text,
	    count_attempts(e, of, sizeof(of)), clk_format_duration(wait, in, sizeof(in)));
}

static void
failed(struct ending *e, enum outcome outcome)
{
	const struct handler_config *config = e->job->handler->config;

	note_failure(e);
	e->d.pending = true;
	e->d.attempts++;
	old_path_pending(e);
	if (e->job->again) {
		idle_row(&e->d);
		delivery_put(e->w->state, &e->d);
		compare_again(e->w, e->job->node, true);
	} else if (e->job->command == WIRE_MOVE) {
		/* A load and a removal take its place, with attempts of their own. */
		try_again(e);
	} else if (outcome == OUTCOME_REJECTED ||
	    (config->retries >= 0 && e->d.attempts > config->retries)) {
		give_up(e);
	} else {
		try_again(e);
	}
}

/* Not an attempt: due again when the handler may run. */
static void
put_back(struct ending *e, int64_t due)
{
	e->d.pending = true;
	e->d.due = due;
	delivery_put(e->w->state, &e->d);
	old_path_pending(e);
	if (e->job->again)
		compare_again(e->w, e->job->node, true);
}

/* Others would lack the same: what runs may end first, and give it back. */
static void
wait_for_room(struct ending *e)
{
	struct watcher *w = e->w;

	note_failure(e);
	if (e->now >= w->short_until)
		log_warnx("handler %s: %s %s: %s (not an attempt; no job is started for "
			  "%d ms)",
		    e->job->handler->config->name, dispatch_command_name(e->job->command),
		    e->job->path, e->text, SHORT_WAIT_MS);
	w->short_until = e->now + SHORT_WAIT_MS;
	put_back(e, w->short_until);
}

static void
note_breaker(struct ending *e, enum outcome outcome)
{
	struct handler *handler = e->job->handler;
	const struct breaker_limits limits = {
		.failures = handler->config->breaker_failures,
		.cooldown_ms = handler->config->breaker_cooldown_ms,
	};
	char in[32];

	if (breaker_note(&handler->breaker, &limits, outcome, e->job->node, e->now))
		log_warnx(
		    "handler %s: breaker open: %s %s: %s (nothing is run, paths stay "
		    "pending, next try in %s)",
		    handler->config->name, dispatch_command_name(e->job->command),
		    e->job->path, e->text,
		    clk_format_duration(
			handler->breaker.until_ms - e->now, in, sizeof(in)));
}

/* It could not be started, or was called back before. */
static bool
never_began(const struct wire_msg *msg)
{
	return msg->outcome == WIRE_EXEC_FAILED ||
	    (msg->outcome == WIRE_CUT && msg->pid == 0);
}

static void
count(struct handler_stats *stats, enum outcome outcome, const struct wire_msg *msg)
{
	stats->timeouts += msg->outcome == WIRE_TIMEOUT;
	stats->rejected += outcome == OUTCOME_REJECTED;
	stats->faults += outcome == OUTCOME_FAULT;
	if (outcome == OUTCOME_SHORT || (msg->outcome == WIRE_CUT && never_began(msg)))
		stats->runs--;
}

/* The longest of late: one that takes long now and then is not quick. */
static void
note_duration(struct handler *handler, int64_t us)
{
	if (us > 0 && us < handler->run_us)
		us = handler->run_us - (handler->run_us - us) / 8;
	handler->run_us = us;
}

/* Has the path changed since the run was chosen? */
static void
note_loop(struct ending *e)
{
	struct watcher *w = e->w;
	const struct job *job = e->job;
	const struct loops_limits limits = { w->config->loop_runs,
		w->config->loop_cooldown_ms };
	struct sig sig;
	struct stat st;
	char in[32];

	if (job->sig == 0 || e->msg->outcome == WIRE_CUT)
		return;
	if (fd_lstatat(AT_FDCWD, watcher_abs(w, job->root, job->path, strlen(job->path)),
		&st) == -1)
		return;
	sig_from_stat(&sig, &st);
	if (sig_hash(&sig) == job->sig) {
		loops_quiet(&w->loops, job->node, job->handler->id);
		return;
	}
	if (!loops_changed(&w->loops, &limits,
		&(struct loops_run){ job->handler->id, job->node, sig.ctime, e->now }))
		return;
	job->handler->stats.loops++;
	log_warnx(
	    "handler %s: %s: changed by the runs for it, %lld times in a row (it is "
	    "left alone for %s)",
	    job->handler->config->name, job->path, (long long)w->config->loop_runs,
	    clk_format_duration(loops_cooling(&w->loops, job->node, e->now)->cooldown_ms,
		in, sizeof(in)));
}

void
outcome_note(struct watcher *w, struct job *job, const struct wire_msg *msg)
{
	struct ending e = { .w = w, .job = job, .msg = msg, .now = clk_mono_ms() };
	enum outcome outcome =
	    retry_classify(job->handler->config, msg->outcome, msg->code);

	if (!delivery_get(w->state, job->handler->id, job->node, &e.d)) {
		/* Forgotten meanwhile (its root or handler left the configuration). */
		delivery_unblock(w->state, job->handler->id, job->node, e.now);
		old_path_pending(&e);
		return;
	}
	if ((job->polled && job->chain != witness_chain(w, job->root, job->path)) ||
	    (job->doubted && !witness_untouched(w, job)))
		job->again = true;
	/* The other end of a move was put down as "perhaps" besides. */
	if (never_began(msg) && job->command != WIRE_MOVE)
		e.d.state = job->before;
	note_loop(&e);
	retry_describe(
	    job->handler->config, msg->outcome, msg->code, e.text, sizeof(e.text));
	count(&job->handler->stats, outcome, msg);
	note_duration(job->handler, outcome == OUTCOME_DONE ? msg->duration_us : 0);
	note_breaker(&e, outcome);
	if (outcome != OUTCOME_CUT && outcome != OUTCOME_SHORT)
		cut_forget(w->state, job->handler->id, job->node);
	switch (outcome) {
	case OUTCOME_DONE:
		delivered(&e);
		break;
	case OUTCOME_RETRY:
	case OUTCOME_REJECTED:
		failed(&e, outcome);
		break;
	case OUTCOME_FAULT:
		note_failure(&e);
		put_back(&e, e.now);
		break;
	case OUTCOME_SHORT:
		wait_for_room(&e);
		break;
	case OUTCOME_CUT:
	case OUTCOME_COUNT:
		put_back(&e, e.now);
		break;
	}
	if (job->command == WIRE_REMOVE)
		order_note_done(w, job->node);
}
