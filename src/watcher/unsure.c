/* SPDX-License-Identifier: ISC */
#include "watcher/unsure.h"

#include "base/clk.h"
#include "policy/settle.h"
#include "state/node.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define UNSURE_MAX 256

void
unsure_within(struct watcher *w, int64_t ms)
{
	if (w->unsure_due_ms < 0)
		w->unsure_due_ms = clk_mono_ms() + ms;
}

/* Where notifications were left to a listing, that finds what is unsure. */
static bool
is_told_of(const struct root *root)
{
	struct fm_stats stats;

	fm_watch_stats(root->watch, &stats);
	return stats.postponed == 0;
}

/* Sure now if nothing was written since: every notification up to here was read. */
static void
look_again(struct watcher *w, int64_t id, struct buf *path, int64_t *wait_ms)
{
	struct node node;
	struct stat st;
	struct sig sig;
	struct root *root = watcher_root_of(w, node_path(w->state, id, path));
	int64_t ms;

	if (root == NULL || !node_get(w->state, id, &node) || !node.unsure)
		return;
	if (reconcile_presence(w, root, path->p, path->len, &st) != PRESENCE_PRESENT) {
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, NULL);
		return;
	}
	if (node.sig.type == SIG_DIR) {
		reconcile_list(w, root, path->p, path->len, false);
		return;
	}
	ms = settle_unsure_ms(&st, clk_wall_ns());
	if (ms <= 0 && !is_told_of(root))
		ms = UNSURE_DIR_MS;
	sig_from_stat(&sig, &st);
	if (ms > 0 && (*wait_ms < 0 || ms < *wait_ms)) {
		*wait_ms = ms;
	} else if (ms <= 0 && sig_compare(&node.sig, &sig) == SIG_SAME) {
		node_set_unsure(w->state, &node, false);
	} else if (ms <= 0) {
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, &st);
	}
}

void
unsure_look(struct watcher *w)
{
	int64_t ids[UNSURE_MAX], wait_ms = -1;
	struct buf path = BUF_INIT;
	size_t n;

	watcher_drain_events(w);
	n = node_unsure(w->state, w->unsure_after, ids, UNSURE_MAX);
	for (size_t i = 0; i < n; i++)
		look_again(w, ids[i], &path, &wait_ms);
	/* The rest next time, so that some that cannot be looked at stop no other. */
	w->unsure_after = n == UNSURE_MAX ? ids[n - 1] : 0;
	if (n == UNSURE_MAX && wait_ms < 0)
		wait_ms = UNSURE_DIR_MS;
	w->unsure_due_ms = wait_ms < 0 ? -1 : clk_mono_ms() + wait_ms + 1;
	buf_release(&path);
}
