/* SPDX-License-Identifier: ISC */

/*
 * Looking again after a loss.  Everything is queued to be listed, at once for
 * the first loss; while losses go on, each time later than before, so that a
 * storm does not end in nothing but listing.  A loss is never forgotten: it is
 * repaired when losses have ceased for REPAIR_CALM_MS, and at its due time at
 * the latest.
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

static void
repair(struct fm_watch *w, int64_t now)
{
	grow(&w->repair, REPAIR_MIN_MS, REPAIR_MAX_MS);
	w->repaired_ms = now;
	tree_queue_all(w, 0, FM_SCAN_REPAIR | DIR_RECURSE);
}

void
repair_all(struct fm_watch *w, enum fm_cause cause, int error)
{
	int64_t now = watch_now();
	bool calm;

	if (w->gone)
		return;
	rename_flush_all(w);
	relink_drop(w, INT64_MAX);
	relink_forget_last(&w->relink);
	tell_state(w, FM_DIRTY, cause, error);
	calm = w->lost_ms == -1 || now - w->lost_ms > 2 * w->repair.wait;
	w->lost_ms = now;
	if (calm)
		w->repair.wait = 0;
	if (w->repair.wait == 0 || now >= w->repaired_ms + w->repair.wait)
		repair(w, now);
	else
		w->repair.due =
		    sooner(w->repaired_ms + w->repair.wait, now + REPAIR_CALM_MS);
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
		repair(w, now);
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
