/* SPDX-License-Identifier: ISC */
#include "watcher/gone.h"

#include "state/node.h"
#include "watcher/dispatch.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

/* One row goes: it is recorded, and handlers that know it are told. */
static void
row_gone(
    struct watcher *w, struct root *root, struct node *node, const char *path, size_t len)
{
	bool known = node->sig.ino != 0 || node->sig.type != SIG_DIR;
	struct event event = {
		.type = EVENT_DELETED,
		.path = path,
		.path_len = len,
		.is_dir = node->sig.type == SIG_DIR,
	};

	w->files -= node->sig.type != SIG_DIR;
	node->gone = true;
	node->unsure = false;
	node_update(w->state, node);
	if (node->sig.type == SIG_DIR)
		place_uncache(w, node->id);
	if (known)
		record_event(w, root, &event);
	dispatch_taint_path(w, root, path, len);
	pending_update(w, root, node, path, len, true);
	if (node->sig.type != SIG_DIR)
		reconcile_links(w, node, HINT_LOOK);
}

/* Everything below a directory's row goes, children first; path is the directory's. */
static void
children_gone(struct watcher *w, struct root *root, int64_t dir, struct buf *path)
{
	struct node_page page = { 0 };
	struct buf last = BUF_INIT;
	bool first = true;
	size_t base = path->len;

	do {
		node_page_read(w->state, dir, last.p, last.len, first, &page);
		first = false;
		for (size_t i = 0; i < page.n; i++) {
			size_t len;
			const char *name = node_page_name(&page, i, &len);
			struct node node;

			buf_addc(path, '/');
			buf_add(path, name, len);
			if (node_get(w->state, page.rows[i].id, &node) && !node.gone) {
				if (node.sig.type == SIG_DIR)
					children_gone(w, root, node.id, path);
				row_gone(w, root, &node, path->p, path->len);
				pending_cleanup(w, root, node.id);
			}
			buf_truncate(path, base);
			if (i + 1 == page.n) {
				buf_reset(&last);
				buf_add(&last, name, len);
			}
		}
	} while (page.more);
	node_page_release(&page);
	buf_release(&last);
}

void
gone_below(struct place *at)
{
	const struct place *before = at->w->leaving;
	struct buf path = BUF_INIT;

	if (!node_has_children(at->w->state, at->node.id))
		return;
	buf_add(&path, at->path, at->len);
	at->w->leaving = at;
	children_gone(at->w, at->root, at->node.id, &path);
	at->w->leaving = before;
	place_uncache(at->w, 0);
	buf_release(&path);
}

void
gone_place(struct place *at)
{
	gone_below(at);
	row_gone(at->w, at->root, &at->node, at->path, at->len);
	pending_cleanup(at->w, at->root, at->node.id);
}
