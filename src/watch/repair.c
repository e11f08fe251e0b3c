/* SPDX-License-Identifier: ISC */

/*
 * Looking again after a loss.  Everything is queued to be listed, or what was
 * postponed (backlog.h), once it is calm: while notifications come as in a storm, listing
 * would only slow down their reading, have more of them lost and be in vain.  A loss is
 * never forgotten: it is repaired after REPAIR_MIN_MS at the latest, and while losses go
 * on, each time later than before.
 */

#include "watch/watch_priv.h"

static void
grow(struct backoff *b, int64_t min, int64_t max)
{
	b->wait = b->wait == 0 ? min : b->wait * 2;
	if (b->wait > max)
		b->wait = max;
	b->due = -1;
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}

static int64_t
min_wait(const struct fm_watch *w)
{
	return w->lost_all ? REPAIR_MIN_MS : REPAIR_SOME_MIN_MS;
}

static void
repair(struct fm_watch *w)
{
	backlog_queued(w);
	grow(&w->repair, min_wait(w), w->lost_all ? REPAIR_MAX_MS : REPAIR_SOME_MAX_MS);
	if (w->lost_all)
		tree_queue_all(w, 0, FM_SCAN_REPAIR | DIR_RECURSE);
	else
		tree_queue_all(w, DIR_POSTPONED, FM_SCAN_REPAIR);
	w->lost_all = false;
}

/* The next look at whether it is calm. */
static void
wait_for_calm(struct fm_watch *w, int64_t now)
{
	w->events_before = w->events;
	w->repair.due = sooner(w->repair_latest, now + REPAIR_CALM_MS);
}

static void
plan(struct fm_watch *w, int64_t now)
{
	if (w->lost_ms == -1 || now - w->lost_ms > 2 * w->repair.wait)
		w->repair.wait = 0;
	w->lost_ms = now;
	if (w->repair.due == -1)
		w->repair_latest =
		    now + (w->repair.wait == 0 ? min_wait(w) : w->repair.wait);
	wait_for_calm(w, now);
}

void
repair_all(struct fm_watch *w, enum fm_cause cause, int error)
{
	if (w->gone)
		return;
	rename_flush_all(w);
	relink_drop(w, INT64_MAX);
	w->relink.pairs.n = 0;
	tell_state(w, FM_DIRTY, cause, error);
	w->lost_all = true;
	plan(w, watch_now());
}

void
repair_postponed(struct fm_watch *w)
{
	plan(w, watch_now());
}

/* What is left unread counts too: there may have been no time to read. */
static bool
is_calm(const struct fm_watch *w)
{
	return w->events - w->events_before <= REPAIR_CALM_EVENTS &&
	    w->ops->unread(w) < WATCH_BUFFER;
}

static void
look_for_calm(struct fm_watch *w, int64_t now)
{
	if (now < w->repair_latest && !is_calm(w))
		wait_for_calm(w, now);
	else
		repair(w);
}

/* Is a polled directory still waiting for the poll before this one? */
static bool
is_polling(const struct fm_watch *w)
{
	const unsigned both = DIR_QUEUED | FM_SCAN_POLL;

	for (uint32_t i = 0; i < w->dirs.made; i++)
		if ((w->dirs.dirs[i].flags & (both | DIR_DEAD)) == both)
			return true;
	return false;
}

static unsigned long
polled(const struct fm_watch *w)
{
	unsigned long n = 0;

	for (size_t i = 0; i < sizeof(w->polled) / sizeof(w->polled[0]); i++)
		n += w->polled[i];
	return n;
}

static void
poll_tick(struct fm_watch *w, int64_t now)
{
	if (polled(w) == 0) {
		w->poll_due = -1;
		return;
	}
	if (now < w->poll_due)
		return;
	w->limit_hit = false;
	w->poll_due = now + w->o.poll_interval_ms;
	if (!is_polling(w))
		tree_queue_all(w, DIR_POLLED, FM_SCAN_POLL);
}

void
repair_tick(struct fm_watch *w, int64_t now)
{
	if (w->repair.due != -1 && now >= w->repair.due)
		look_for_calm(w, now);
	if (w->retries > 0 && w->retry.due != -1 && now >= w->retry.due) {
		grow(&w->retry, RETRY_MIN_MS, RETRY_MAX_MS);
		tree_queue_all(w, DIR_RETRY, FM_SCAN_REPAIR);
	}
	poll_tick(w, now);
}

int64_t
repair_due(const struct fm_watch *w)
{
	int64_t due = w->repair.due;

	if (w->retries > 0)
		due = sooner(due, w->retry.due);
	if (polled(w) > 0)
		due = sooner(due, w->poll_due);
	return due;
}
