/* SPDX-License-Identifier: ISC */
#include "watcher/unsure.h"

#include "base/clk.h"
#include "policy/settle.h"
#include "state/node.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define UNSURE_MAX 256
#define GATHER_MS 10 /* those that become sure meanwhile are looked at together */

void
unsure_within(struct watcher *w, int64_t ms)
{
	int64_t due = clk_mono_ms() + ms;

	if (w->unsure_due_ms < 0 || due < w->unsure_due_ms)
		w->unsure_due_ms = due;
}

/* Where notifications were left to a listing, that finds what is unsure. */
static bool
is_told_of(const struct root *root)
{
	struct fm_stats stats;

	fm_watch_stats(root->watch, &stats);
	return stats.postponed == 0;
}

static void
wait_at_most(int64_t *wait_ms, int64_t ms)
{
	if (*wait_ms < 0 || ms < *wait_ms)
		*wait_ms = ms;
}

static void
look_at_dir(struct watcher *w, struct root *root, const struct buf *path)
{
	struct stat st;

	if (reconcile_presence(w, root, path->p, path->len, &st) == PRESENCE_PRESENT)
		reconcile_list(w, root, path->p, path->len, false);
	else
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, NULL);
}

/* Sure now if nothing was written since: every notification up to here was read. */
static void
look_at_file(struct watcher *w, struct root *root, struct node *node,
    const struct buf *path, int64_t *wait_ms)
{
	struct stat st;
	struct sig sig;
	int64_t ms;

	if (reconcile_presence(w, root, path->p, path->len, &st) != PRESENCE_PRESENT) {
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, NULL);
		return;
	}
	ms = settle_unsure_ms(&st, clk_wall_ns());
	if (ms <= 0 && !is_told_of(root))
		ms = UNSURE_DIR_MS;
	sig_from_stat(&sig, &st);
	if (ms > 0)
		wait_at_most(wait_ms, ms);
	else if (sig_compare(&node->sig, &sig) == SIG_SAME)
		node_set_unsure(w->state, node, false);
	else
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, NULL);
}

static void
look_again(struct watcher *w, int64_t id, struct buf *path, int64_t *wait_ms)
{
	struct node node;
	struct root *root;
	int64_t ms;

	if (!node_get(w->state, id, &node) || !node.unsure)
		return;
	/* Too young by what was seen: what is there now is no older. */
	ms = settle_unsure_stamps_ms(node.sig.mtime, node.sig.ctime, clk_wall_ns());
	if (ms > 0) {
		wait_at_most(wait_ms, ms);
		return;
	}
	root = place_path(w, id, path);
	if (root == NULL)
		return;
	if (node.sig.type == SIG_DIR)
		look_at_dir(w, root, path);
	else
		look_at_file(w, root, &node, path, wait_ms);
}

void
unsure_look(struct watcher *w)
{
	int64_t ids[UNSURE_MAX], wait_ms = -1;
	struct buf path = BUF_INIT;
	size_t n;

	watcher_drain_events(w);
	w->unsure_due_ms = -1; /* looking may find more */
	n = node_unsure(w->state, w->unsure_after, ids, UNSURE_MAX);
	for (size_t i = 0; i < n; i++)
		look_again(w, ids[i], &path, &wait_ms);
	/* The rest next time, so that some that cannot be looked at stop no other. */
	w->unsure_after = n == UNSURE_MAX ? ids[n - 1] : 0;
	if (n == UNSURE_MAX && wait_ms < 0)
		wait_ms = UNSURE_DIR_MS;
	if (wait_ms >= 0)
		unsure_within(w, wait_ms + GATHER_MS);
	buf_release(&path);
}
