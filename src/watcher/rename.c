/* SPDX-License-Identifier: ISC */
#include "watcher/rename.h"

#include "watcher/ask.h"
#include "watcher/dispatch.h"
#include "watcher/gone.h"
#include "watcher/pending.h"
#include "watcher/reconcile.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

/* Of a directory that was renamed before anybody saw it, and is gone already. */
#define INO_UNKNOWN 1

/* Old and new path while a subtree's rows are carried over. */
struct carry {
	struct watcher *w;
	struct root *root;
	struct buf from, to;
};

static void carry_node(struct carry *, struct node *, int64_t parent, const struct sig *);

static void
carry_child(
    struct carry *c, struct node *node, const char *name, size_t len, int64_t parent)
{
	size_t from_len = c->from.len, to_len = c->to.len;

	buf_addc(&c->from, '/');
	buf_add(&c->from, name, len);
	buf_addc(&c->to, '/');
	buf_add(&c->to, name, len);
	carry_node(c, node, parent, &node->sig);
	buf_truncate(&c->from, from_len);
	buf_truncate(&c->to, to_len);
}

static void
carry_children(struct carry *c, int64_t from, int64_t to)
{
	struct node_page page = { 0 };
	struct buf last = BUF_INIT;
	bool first = true;

	do {
		node_page_read(c->w->state, from, last.p, last.len, first, &page);
		first = false;
		for (size_t i = 0; i < page.n; i++) {
			size_t len;
			const char *name = node_page_name(&page, i, &len);
			struct node node;

			buf_reset(&last);
			buf_add(&last, name, len);
			if (node_get(c->w->state, page.rows[i].id, &node) && !node.gone)
				carry_child(c, &node, name, len, to);
		}
	} while (page.more);
	node_page_release(&page);
	buf_release(&last);
}

/* The row at c->from becomes one at c->to, with the signature it has there; the
   old one keeps its own: what was delivered under that name had it. */
static void
carry_node(struct carry *c, struct node *node, int64_t parent, const struct sig *sig)
{
	struct place to;

	place_find(&to, c->w, c->root, c->to.p, c->to.len);
	to.node.parent = parent;
	place_store(&to, sig, false);
	to.node.origin = node->id;
	node_update(c->w->state, &to.node);
	/* Also of one that was told without having been seen, and is a directory. */
	if (node->sig.type == SIG_DIR || sig->type == SIG_DIR)
		carry_children(c, node->id, to.node.id);
	if (node->sig.type == SIG_DIR && node->unsure)
		reconcile_list(c->w, c->root, c->to.p, c->to.len, false);
	c->w->files -= node->sig.type != SIG_DIR;
	node->gone = true;
	node->unsure = false;
	node_update(c->w->state, node);
	if (node->sig.type == SIG_DIR)
		place_uncache(c->w, node->id);
	pending_update(c->w, c->root, node, c->from.p, c->from.len, true);
	pending_update(c->w, c->root, &to.node, c->to.p, c->to.len, true);
	pending_cleanup(c->w, c->root, node->id);
	if (to.node.sig.ino == 0)
		reconcile_path(c->w, c->root, c->to.p, c->to.len, HINT_LOOK, NULL);
}

/* No handler cares where a path was: one row changes, all below follow. */
static bool
relink(struct place *from, struct place *to, const struct sig *sig)
{
	if (from->w->n_handlers > 0 || to->found || from->node.sig.ino == 0)
		return false;
	node_relink(
	    from->w->state, from->node.id, place_dir(to, true), to->name, to->name_len);
	/* A file's ctime is that of the rename now. */
	if (sig_compare(&from->node.sig, sig) != SIG_SAME) {
		from->node.sig = *sig;
		node_update(from->w->state, &from->node);
	}
	place_uncache(from->w, 0);
	return true;
}

static void
carry(struct place *from, struct place *to, const struct sig *sig)
{
	struct carry c = {
		.w = from->w, .root = from->root, .from = BUF_INIT, .to = BUF_INIT
	};

	if (relink(from, to, sig))
		return;
	buf_add(&c.from, from->path, from->len);
	buf_add(&c.to, to->path, to->len);
	carry_node(&c, &from->node, place_dir(to, true), sig);
	place_uncache(from->w, 0);
	buf_release(&c.from);
	buf_release(&c.to);
}

static void
record(struct place *from, const struct place *to, const struct rename_paths *paths,
    const struct stat *st)
{
	struct event event = {
		.type = EVENT_RENAMED,
		.path = paths->path,
		.path_len = paths->len,
		.old_path = paths->old_path,
		.old_path_len = paths->old_len,
		.is_dir = paths->is_dir,
		.st = st,
		.replaced = to->found && !to->node.gone,
	};

	record_event(from->w, from->root, &event);
}

/* A row that was told without having been seen may be of anything. */
static bool
is_other_type(const struct node *node, const struct rename_paths *paths)
{
	return node->sig.ino != 0 && (node->sig.type == SIG_DIR) != paths->is_dir;
}

/* Nothing is known of the old path, or too much has happened since. */
static void
look_at_both(struct watcher *w, struct root *root, const struct rename_paths *paths)
{
	reconcile_path(w, root, paths->old_path, paths->old_len, HINT_LOOK, NULL);
	reconcile_path(w, root, paths->path, paths->len, HINT_CREATED, NULL);
	if (paths->is_dir)
		reconcile_list(w, root, paths->path, paths->len, true);
}

/* Names that are left of what was renamed, and of what was replaced. */
static void
look_at_names(const struct place *to, const struct node *replaced, const struct stat *st)
{
	if (replaced->sig.type != SIG_DIR && replaced->sig.ino != to->node.sig.ino)
		reconcile_links(to->w, replaced, HINT_LOOK);
	if (st != NULL && !S_ISDIR(st->st_mode) && st->st_nlink > 1)
		reconcile_links(to->w, &to->node, HINT_LOOK);
}

static void
take_place(struct place *from, struct place *to, const struct rename_paths *paths,
    const struct stat *st)
{
	bool is_room = reconcile_parent(to), unseen;
	struct node replaced = { 0 };
	struct sig sig;

	if (is_room && to->found && !to->node.gone && to->node.sig.type == SIG_DIR) {
		/* What a rename replaces is empty: rows below are not true any more. */
		gone_place(to);
		place_find(to, from->w, from->root, paths->path, paths->len);
	}
	/* As another name of a file that went with those it may have been found gone. */
	place_find(from, from->w, from->root, paths->old_path, paths->old_len);
	if (!from->found || from->node.gone) {
		look_at_both(from->w, from->root, paths);
		return;
	}
	if (!is_room) {
		gone_place(from);
		return;
	}
	sig = from->node.sig;
	unseen = sig.ino == 0;
	/* Of another type it is not what was renamed, but what took its place since:
	   the hint that says so is still to come. */
	if (st != NULL && S_ISDIR(st->st_mode) != paths->is_dir)
		st = NULL;
	/* What was told of its old name was not seen under this one, perhaps. */
	if (!paths->is_dir && !reconcile_is_certain(to, st != NULL))
		st = NULL;
	if (st != NULL && (!paths->is_dir || unseen))
		sig_from_stat(&sig, st);
	else if (paths->is_dir && unseen)
		sig = (struct sig){ .type = SIG_DIR, .ino = INO_UNKNOWN };
	record(from, to, paths, st);
	if (to->found && !to->node.gone)
		replaced = to->node;
	carry(from, to, &sig);
	place_find(to, from->w, from->root, paths->path, paths->len);
	look_at_names(to, &replaced, st);
	/* Found gone before this told where it went, and with it what was known below. */
	if (paths->is_dir && unseen)
		reconcile_list(from->w, from->root, paths->path, paths->len, true);
	if (to->found && !to->node.gone)
		ask_for_record(from->w, &to->node, paths->path, paths->len, 0);
}

void
rename_take(struct watcher *w, struct root *root, const struct rename_paths *paths)
{
	struct stat st, old_st;
	struct place from, to;
	enum presence now, old;

	dispatch_taint_path(w, root, paths->old_path, paths->old_len);
	dispatch_taint_path(w, root, paths->path, paths->len);
	old = reconcile_presence(w, root, paths->old_path, paths->old_len, &old_st);
	now = reconcile_presence(w, root, paths->path, paths->len, &st);
	place_find(&from, w, root, paths->old_path, paths->old_len);
	if (!from.found || from.node.gone || is_other_type(&from.node, paths) ||
	    old == PRESENCE_UNKNOWN || now == PRESENCE_UNKNOWN ||
	    (old == PRESENCE_PRESENT && !paths->is_dir)) {
		look_at_both(w, root, paths);
		return;
	}
	place_find(&to, w, root, paths->path, paths->len);
	take_place(&from, &to, paths, now == PRESENCE_PRESENT ? &st : NULL);
	if (old == PRESENCE_PRESENT)
		reconcile_path(
		    w, root, paths->old_path, paths->old_len, HINT_CREATED, NULL);
}
