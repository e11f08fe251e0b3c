/* SPDX-License-Identifier: ISC */
#include "watcher/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "watcher/delivery.h"
#include "watcher/dispatch.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

#define LINKS_MAX 64
#define UNSURE_MAX 256
#define UNSURE_DIR_MS 1000

enum presence
reconcile_presence(
    struct watcher *w, struct root *root, const char *path, size_t len, struct stat *st)
{
	int saved;

	if (fd_lstatat(AT_FDCWD, watcher_abs(w, root, path, len), st) == 0)
		return PRESENCE_PRESENT;
	if (errno != ENOENT && errno != ENOTDIR)
		return PRESENCE_UNKNOWN;
	saved = errno;
	/* A root that is unmounted or moved away is not a deleted tree. */
	if (fm_watch_root_gone(root->watch) || !fm_watch_root_same(root->watch)) {
		errno = saved;
		return PRESENCE_UNKNOWN;
	}
	return PRESENCE_ABSENT;
}

void
reconcile_forget_cache(struct watcher *w)
{
	for (size_t i = 0; i < w->n_roots; i++)
		w->roots[i].cached_id = 0;
}

/* The directory's row; a burst of changes stays in one directory. */
static int64_t
dir_id(struct watcher *w, struct root *root, const char *dir, size_t len, bool make)
{
	int64_t id;

	if (len == 0)
		return root->node;
	if (root->cached_id != 0 && root->cached_dir.len == len &&
	    memcmp(root->cached_dir.p, dir, len) == 0)
		return root->cached_id;
	id = node_resolve(w->state, root->node, dir, len, make);
	if (id != 0) {
		buf_reset(&root->cached_dir);
		buf_add(&root->cached_dir, dir, len);
		root->cached_id = id;
	}
	return id;
}

/* Where a path stands among the rows. */
struct place {
	struct watcher *w;
	struct root *root;
	const char *path;
	size_t len;
	const char *name;
	size_t name_len;
	struct node node;
	bool found; /* there is a row, gone or not */
};

static void
find_place(
    struct place *at, struct watcher *w, struct root *root, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t dir = slash == NULL ? 0 : (size_t)(slash - path);

	memset(at, 0, sizeof(*at));
	at->w = w;
	at->root = root;
	at->path = path;
	at->len = len;
	at->name = slash == NULL ? path : slash + 1;
	at->name_len = len - (size_t)(at->name - path);
	if (len == 0) {
		at->found = node_get(w->state, root->node, &at->node);
		return;
	}
	at->node.parent = dir_id(w, root, path, dir, false);
	if (at->node.parent != 0)
		at->found = node_find(
		    w->state, at->node.parent, at->name, at->name_len, &at->node);
}

static size_t
dir_len(const struct place *at)
{
	return (size_t)(at->name - at->path) - (at->name > at->path);
}

/*
 * Is the row of the directory there, so that a row below it means something?
 * One that counted as gone is looked at again.
 */
static bool
has_parent(struct place *at)
{
	struct node dir;
	size_t len = dir_len(at);

	if (at->len == 0 || len == 0)
		return true;
	at->node.parent = dir_id(at->w, at->root, at->path, len, true);
	if (node_get(at->w->state, at->node.parent, &dir) && !dir.gone)
		return true;
	reconcile_path(at->w, at->root, at->path, len, HINT_LOOK, NULL);
	at->node.parent = dir_id(at->w, at->root, at->path, len, false);
	return at->node.parent != 0 && node_get(at->w->state, at->node.parent, &dir) &&
	    !dir.gone;
}

/* Writes the row with this signature; makes it, and its directories, if missing. */
static void
store(struct place *at, const struct sig *sig, bool gone)
{
	at->node.sig = *sig;
	at->node.gone = gone;
	at->node.unsure = false;
	if (at->found) {
		node_update(at->w->state, &at->node);
		return;
	}
	at->node.parent = dir_id(at->w, at->root, at->path, dir_len(at), true);
	node_insert(at->w->state, &at->node, at->name, at->name_len);
	at->found = true;
}

bool
reconcile_wants(
    const struct handler *handler, const struct node *node, const char *path, size_t len)
{
	return !node->gone && len > 0 &&
	    (handler->config->types & sig_type_bit(node->sig.type)) != 0 &&
	    globs_match(handler->match, path, len, node->sig.type == SIG_DIR);
}

static void
make_pending(struct watcher *w, struct delivery *d)
{
	const struct settle_limits limits = { w->config->settle_ms,
		w->config->settle_max_ms };
	int64_t now = clk_mono_ms();

	if (d->dead)
		delivery_failure_clear(w->state, d->handler, d->node);
	if (!d->pending)
		d->since = now;
	d->pending = true;
	d->dead = false;
	d->attempts = 0;
	d->blocked_on = 0;
	d->due = settle_due(&limits, d->since, now);
	delivery_put(w->state, d);
}

static void
settle_row(struct watcher *w, struct delivery *d)
{
	d->pending = false;
	d->attempts = 0;
	d->blocked_on = 0;
	delivery_put(w->state, d);
	delivery_unblock(w->state, d->handler, d->node, clk_mono_ms());
}

/* The handler wants the path: was it told of the state it is in? */
static void
compare_wanted(struct watcher *w, struct handler *handler, const struct node *node,
    struct delivery *d, bool changed)
{
	int64_t sig = sig_hash(&node->sig);

	if (handler->config->load.n == 0 || (handler->skip && d->state == DELIVERY_NO)) {
		/* Nothing to run, but its removal will be told. */
		if (d->state != DELIVERY_YES || d->sig != sig || d->pending) {
			d->state = DELIVERY_YES;
			d->sig = d->tried = sig;
			settle_row(w, d);
		}
		return;
	}
	if (d->state == DELIVERY_YES && d->sig == sig && !changed) {
		if (d->pending)
			settle_row(w, d);
		return;
	}
	if (d->dead && d->tried == sig && !changed)
		return;
	make_pending(w, d);
}

/* The handler does not want it (any more): does it know of it? */
static void
compare_unwanted(
    struct watcher *w, struct handler *handler, struct delivery *d, bool had_row)
{
	if (!had_row)
		return;
	if (d->state == DELIVERY_NO || handler->config->remove_file.n == 0) {
		delivery_delete(w->state, d->handler, d->node);
		delivery_unblock(w->state, d->handler, d->node, clk_mono_ms());
		return;
	}
	if (!(d->dead && d->tried == 0))
		make_pending(w, d);
}

static void
compare_handler(struct watcher *w, struct handler *handler, const struct node *node,
    bool wanted, bool changed)
{
	struct job *job = dispatch_job(w, handler, node->id);
	int64_t sig = wanted ? sig_hash(&node->sig) : 0;
	struct delivery d;
	bool had_row;

	if (job != NULL) {
		/* What runs may be just what is wanted now. */
		if (changed || sig != (job->node == node->id ? job->sig : 0))
			job->again = true;
		return;
	}
	had_row = delivery_get(w->state, handler->id, node->id, &d);
	if (wanted)
		compare_wanted(w, handler, node, &d, changed);
	else
		compare_unwanted(w, handler, &d, had_row);
}

void
reconcile_node(struct watcher *w, struct root *root, const struct node *node,
    const char *path, size_t len, bool changed)
{
	(void)root;
	for (size_t i = 0; i < w->n_handlers; i++)
		compare_handler(w, &w->handlers[i], node,
		    reconcile_wants(&w->handlers[i], node, path, len), changed);
}

void
reconcile_cleanup(struct watcher *w, struct root *root, int64_t id)
{
	struct node node;

	while (id != 0 && id != root->node && node_get(w->state, id, &node) &&
	    node.gone && !node_has_children(w->state, id) &&
	    !delivery_any(w->state, id)) {
		if (node.sig.type == SIG_DIR)
			reconcile_forget_cache(w);
		node_delete(w->state, id);
		id = node.parent;
	}
}

static void look_at_links(struct watcher *, struct root *, const struct node *);

/* One row goes: it is recorded, and handlers that know it are told. */
static void
row_gone(
    struct watcher *w, struct root *root, struct node *node, const char *path, size_t len)
{
	bool known = node->sig.ino != 0 || node->sig.type != SIG_DIR;

	if (node->sig.type != SIG_DIR && w->files > 0)
		w->files--;
	node->gone = true;
	node->unsure = false;
	node_update(w->state, node);
	if (known)
		record_path(w, root, path, len, EVENT_DELETED, EVENT_KIND_NONE,
		    node->sig.type == SIG_DIR, NULL);
	dispatch_taint_path(w, root, path, len);
	reconcile_node(w, root, node, path, len, true);
	if (node->sig.type == SIG_FILE)
		look_at_links(w, root, node);
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

			buf_addc(path, '/');
			buf_add(path, name, len);
			if (!page.rows[i].gone) {
				if (page.rows[i].sig.type == SIG_DIR)
					children_gone(w, root, page.rows[i].id, path);
				row_gone(w, root, &page.rows[i], path->p, path->len);
				reconcile_cleanup(w, root, page.rows[i].id);
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

static void
below_gone(struct place *at)
{
	struct buf path = BUF_INIT;

	if (!node_has_children(at->w->state, at->node.id))
		return;
	buf_add(&path, at->path, at->len);
	children_gone(at->w, at->root, at->node.id, &path);
	reconcile_forget_cache(at->w);
	buf_release(&path);
}

static void
place_gone(struct place *at)
{
	below_gone(at);
	row_gone(at->w, at->root, &at->node, at->path, at->len);
	reconcile_cleanup(at->w, at->root, at->node.id);
}

/* A change of one name of a file is a change of its other names too: inotify
   tells of none of them. */
static void
look_at_links(struct watcher *w, struct root *root, const struct node *node)
{
	static bool looking;
	int64_t ids[LINKS_MAX];
	struct buf path = BUF_INIT;
	size_t n;

	if (looking || node->sig.ino == 0)
		return;
	looking = true;
	n = node_by_inode(w->state, node->sig.ino, ids, LINKS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct node other;
		struct root *of;

		if (ids[i] == node->id || !node_get(w->state, ids[i], &other) ||
		    other.gone)
			continue;
		of = watcher_root_of(w, node_path(w->state, ids[i], &path));
		if (of != NULL)
			reconcile_path(w, of, path.p, path.len, HINT_LOOK, NULL);
	}
	looking = false;
	(void)root;
	buf_release(&path);
}

static void
absent(struct place *at, enum hint hint)
{
	struct sig phantom = { .type = SIG_OTHER };

	if (at->found && !at->node.gone) {
		place_gone(at);
		return;
	}
	if (hint != HINT_CREATED) {
		at->w->intake.suppressed += hint != HINT_LOOK;
		return;
	}
	/* Made and gone again, or renamed on, before we could look: the hint that
	   says which is on its way and finds this row. */
	store(at, &phantom, false);
	at->w->files++;
	record_path(at->w, at->root, at->path, at->len, EVENT_CREATED, EVENT_KIND_NONE,
	    false, NULL);
}

static void
appeared(struct place *at, const struct sig *sig, const struct stat *st)
{
	bool told = at->found && !at->node.gone && at->node.sig.ino == 0 &&
	    at->node.sig.type == SIG_OTHER;

	if (sig->type != SIG_DIR && !told)
		at->w->files++;
	else if (sig->type == SIG_DIR && told && at->w->files > 0)
		at->w->files--;
	store(at, sig, false);
	if (!told)
		record_path(at->w, at->root, at->path, at->len, EVENT_CREATED,
		    EVENT_KIND_NONE, sig->type == SIG_DIR, st);
	dispatch_taint_path(at->w, at->root, at->path, at->len);
	reconcile_node(at->w, at->root, &at->node, at->path, at->len, true);
	if (sig->type == SIG_FILE && st->st_nlink > 1)
		look_at_links(at->w, at->root, &at->node);
}

static enum event_kind
kind_of(
    enum sig_change change, enum hint hint, const struct place *at, const struct sig *sig)
{
	if (hint == HINT_WRITTEN)
		return EVENT_CONTENT;
	if (change == SIG_METADATA)
		return EVENT_METADATA;
	if (change == SIG_EXTENDED)
		return EVENT_EXTENDED;
	/* utimensat(2): the times alone were set. */
	if (hint == HINT_ATTRIB && at->node.sig.size == sig->size &&
	    at->node.sig.ino == sig->ino)
		return EVENT_METADATA;
	return EVENT_CONTENT;
}

/* ignore-metadata: what was delivered before the chmod still is. */
static void
carry_delivered(struct place *at, int64_t from, int64_t to)
{
	struct delivery d;

	for (size_t i = 0; i < at->w->n_handlers; i++) {
		int64_t handler = at->w->handlers[i].id;

		if (!delivery_get(at->w->state, handler, at->node.id, &d) ||
		    d.sig != from)
			continue;
		d.sig = to;
		delivery_put(at->w->state, &d);
	}
}

/* The path may be part of a longer one, and the library wants a string. */
static void
list_again(
    struct watcher *w, struct root *root, const char *path, size_t len, bool recursive)
{
	buf_reset(&w->scratch);
	buf_add(&w->scratch, path, len);
	fm_watch_scan(root->watch, len == 0 ? "" : w->scratch.p, recursive);
}

static void
changed(struct place *at, enum sig_change change, enum hint hint, const struct sig *sig,
    const struct stat *st)
{
	enum event_kind kind = kind_of(change, hint, at, sig);
	bool is_dir = sig->type == SIG_DIR;
	int64_t before = sig_hash(&at->node.sig);
	bool other_dir = is_dir && at->node.sig.ino != sig->ino;

	store(at, sig, false);
	if (!other_dir)
		record_path(
		    at->w, at->root, at->path, at->len, EVENT_MODIFIED, kind, is_dir, st);
	if (other_dir)
		list_again(at->w, at->root, at->path, at->len, true);
	if (at->w->config->ignore_metadata && kind != EVENT_CONTENT &&
	    change != SIG_CONTENT) {
		carry_delivered(at, before, sig_hash(sig));
		return;
	}
	dispatch_taint_path(at->w, at->root, at->path, at->len);
	reconcile_node(at->w, at->root, &at->node, at->path, at->len, true);
	if (sig->type == SIG_FILE && st->st_nlink > 1)
		look_at_links(at->w, at->root, &at->node);
}

/* The signature says nothing new; the hint may. */
static void
unchanged(struct place *at, enum hint hint, const struct stat *st)
{
	bool unsure = at->node.unsure;
	bool young = settle_unsure_ms(st, clk_wall_ns()) > 0;

	if (at->node.sig.type == SIG_DIR) {
		at->w->intake.suppressed += hint != HINT_LOOK;
		return;
	}
	if (hint == HINT_WRITTEN && (unsure || young)) {
		record_path(at->w, at->root, at->path, at->len, EVENT_MODIFIED,
		    EVENT_CONTENT, false, st);
	} else if (hint != HINT_LOOK) {
		at->w->intake.suppressed++;
	}
	if (unsure && (hint == HINT_WRITTEN || hint == HINT_LOOK)) {
		at->node.unsure = false;
		node_update(at->w->state, &at->node);
		dispatch_taint_path(at->w, at->root, at->path, at->len);
	}
	if (hint == HINT_WRITTEN || unsure)
		reconcile_node(at->w, at->root, &at->node, at->path, at->len, unsure);
}

static void
present(struct place *at, enum hint hint, const struct stat *st)
{
	struct sig sig;
	enum sig_change change;

	sig_from_stat(&sig, st);
	if (at->len == 0) {
		store(at, &sig, false);
		return;
	}
	if (at->found && !at->node.gone && at->node.sig.type != sig.type &&
	    (at->node.sig.ino != 0 || at->node.sig.type == SIG_DIR)) {
		place_gone(at);
		find_place(at, at->w, at->root, at->path, at->len);
	} else if (at->found && sig.type != SIG_DIR && at->node.sig.ino == 0) {
		below_gone(at);
	}
	if (!at->found || at->node.gone || at->node.sig.ino == 0) {
		if (has_parent(at))
			appeared(at, &sig, st);
		return;
	}
	change = sig_compare(&at->node.sig, &sig);
	if (change == SIG_SAME)
		unchanged(at, hint, st);
	else
		changed(at, change, hint, &sig, st);
}

/*
 * A notification names the directory as it was called then.  Where that has
 * been renamed meanwhile, "no such file" says nothing of the file: the
 * directory is marked, and listed when its new name is known.
 */
static bool
is_certain(struct place *at)
{
	struct watcher *w = at->w;
	struct node dir;
	struct stat st;

	if (dir_len(at) == 0)
		return true;
	if (at->node.parent == 0 || !node_get(w->state, at->node.parent, &dir))
		return false;
	if (dir.gone)
		return at->found;
	if (dir.sig.ino != 0 &&
	    fd_lstatat(AT_FDCWD, watcher_abs(w, at->root, at->path, dir_len(at)), &st) ==
		0 &&
	    st.st_ino == dir.sig.ino)
		return true;
	dir.unsure = true;
	node_update(w->state, &dir);
	if (w->unsure_due_ms < 0)
		w->unsure_due_ms = clk_mono_ms() + UNSURE_DIR_MS;
	return false;
}

void
reconcile_path(struct watcher *w, struct root *root, const char *path, size_t len,
    enum hint hint, const struct stat *seen)
{
	struct stat st;
	struct place at;
	enum presence presence = PRESENCE_PRESENT;

	if (seen != NULL)
		st = *seen;
	else
		presence = reconcile_presence(w, root, path, len, &st);
	if (presence == PRESENCE_UNKNOWN) {
		w->intake.unseen++;
		log_debug("path %s: cannot look: %s (left as it was)", w->abs.p,
		    strerror(errno));
		return;
	}
	find_place(&at, w, root, path, len);
	if (presence == PRESENCE_ABSENT && !is_certain(&at))
		return;
	if (presence == PRESENCE_PRESENT &&
	    (len == 0 || filter_want(root->filter, path, len, S_ISDIR(st.st_mode), NULL)))
		present(&at, hint, &st);
	else
		absent(&at, presence == PRESENCE_PRESENT ? HINT_LOOK : hint);
}

/* Old and new path while a subtree's rows are carried over. */
struct carry {
	struct watcher *w;
	struct root *root;
	struct buf from, to;
};

static void carry_node(struct carry *, struct node *, int64_t parent);

static void
carry_children(struct carry *c, int64_t from, int64_t to)
{
	struct node_page page = { 0 };
	struct buf last = BUF_INIT;
	size_t from_len = c->from.len, to_len = c->to.len;
	bool first = true;

	do {
		node_page_read(c->w->state, from, last.p, last.len, first, &page);
		first = false;
		for (size_t i = 0; i < page.n; i++) {
			size_t len;
			const char *name = node_page_name(&page, i, &len);

			buf_reset(&last);
			buf_add(&last, name, len);
			if (page.rows[i].gone)
				continue;
			buf_addc(&c->from, '/');
			buf_add(&c->from, name, len);
			buf_addc(&c->to, '/');
			buf_add(&c->to, name, len);
			carry_node(c, &page.rows[i], to);
			buf_truncate(&c->from, from_len);
			buf_truncate(&c->to, to_len);
		}
	} while (page.more);
	node_page_release(&page);
	buf_release(&last);
}

/* The row at c->from becomes one at c->to below parent; handlers are told. */
static void
carry_node(struct carry *c, struct node *node, int64_t parent)
{
	struct place to;

	find_place(&to, c->w, c->root, c->to.p, c->to.len);
	to.node.parent = parent;
	if (to.found && !to.node.gone && to.node.sig.type != SIG_DIR && c->w->files > 0)
		c->w->files--;
	store(&to, &node->sig, false);
	if (node->sig.type == SIG_DIR)
		carry_children(c, node->id, to.node.id);
	if (node->sig.type == SIG_DIR && node->unsure)
		list_again(c->w, c->root, c->to.p, c->to.len, false);
	node->gone = true;
	node->unsure = false;
	node_update(c->w->state, node);
	reconcile_node(c->w, c->root, node, c->from.p, c->from.len, true);
	reconcile_node(c->w, c->root, &to.node, c->to.p, c->to.len, true);
	reconcile_cleanup(c->w, c->root, node->id);
	if (to.node.sig.ino == 0)
		reconcile_path(c->w, c->root, c->to.p, c->to.len, HINT_LOOK, NULL);
}

/* No handler cares where a path was: one row changes, all below follow. */
static bool
relink(struct place *from, struct place *to)
{
	if (from->w->n_handlers > 0 || to->found)
		return false;
	node_relink(from->w->state, from->node.id,
	    dir_id(to->w, to->root, to->path, dir_len(to), true), to->name, to->name_len);
	reconcile_forget_cache(from->w);
	return true;
}

static void
carry_place(struct place *from, struct place *to)
{
	struct carry c = {
		.w = from->w, .root = from->root, .from = BUF_INIT, .to = BUF_INIT
	};

	if (relink(from, to))
		return;
	buf_add(&c.from, from->path, from->len);
	buf_add(&c.to, to->path, to->len);
	carry_node(&c, &from->node, dir_id(to->w, to->root, to->path, dir_len(to), true));
	reconcile_forget_cache(from->w);
	buf_release(&c.from);
	buf_release(&c.to);
}

static void
record_rename(struct watcher *w, struct root *root, const struct rename_paths *paths,
    const struct stat *st)
{
	struct event event = {
		.type = EVENT_RENAMED,
		.root = root->path,
		.path = paths->path,
		.path_len = paths->len,
		.old_path = paths->old_path,
		.old_path_len = paths->old_len,
		.is_dir = paths->is_dir,
		.st = st,
	};

	record_event(w, root, &event);
}

/*
 * Of a directory the kernel is believed: its rows move with it.  Of a file too,
 * unless there is something at its old path: then both are looked at afresh.
 */
void
reconcile_rename(struct watcher *w, struct root *root, const struct rename_paths *paths)
{
	struct stat st, old_st;
	struct place from, to;
	enum presence now, old;

	dispatch_taint_path(w, root, paths->old_path, paths->old_len);
	dispatch_taint_path(w, root, paths->path, paths->len);
	find_place(&from, w, root, paths->old_path, paths->old_len);
	old = reconcile_presence(w, root, paths->old_path, paths->old_len, &old_st);
	now = reconcile_presence(w, root, paths->path, paths->len, &st);
	if (!from.found || from.node.gone || old == PRESENCE_UNKNOWN ||
	    now == PRESENCE_UNKNOWN || (old == PRESENCE_PRESENT && !paths->is_dir)) {
		reconcile_path(w, root, paths->old_path, paths->old_len, HINT_LOOK, NULL);
		reconcile_path(w, root, paths->path, paths->len, HINT_CREATED, NULL);
		if (paths->is_dir)
			list_again(w, root, paths->path, paths->len, true);
		return;
	}
	find_place(&to, w, root, paths->path, paths->len);
	if (!has_parent(&to)) {
		place_gone(&from);
		return;
	}
	record_rename(w, root, paths, now == PRESENCE_PRESENT ? &st : NULL);
	if (now == PRESENCE_PRESENT && (!paths->is_dir || from.node.sig.ino == 0))
		sig_from_stat(&from.node.sig, &st);
	find_place(&to, w, root, paths->path, paths->len);
	if (to.found && !to.node.gone && to.node.sig.type == SIG_DIR) {
		/* What a rename replaces is empty: rows below are not true any more. */
		place_gone(&to);
		find_place(&to, w, root, paths->path, paths->len);
	}
	carry_place(&from, &to);
	if (old == PRESENCE_PRESENT)
		reconcile_path(
		    w, root, paths->old_path, paths->old_len, HINT_CREATED, NULL);
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
		list_again(w, root, path->p, path->len, false);
		return;
	}
	ms = settle_unsure_ms(&st, clk_wall_ns());
	sig_from_stat(&sig, &st);
	if (ms > 0 && (*wait_ms < 0 || ms < *wait_ms)) {
		*wait_ms = ms;
	} else if (ms <= 0 && sig_compare(&node.sig, &sig) == SIG_SAME) {
		node.unsure = false;
		node_update(w->state, &node);
	} else if (ms <= 0) {
		reconcile_path(w, root, path->p, path->len, HINT_LOOK, &st);
	}
}

void
reconcile_unsure(struct watcher *w)
{
	int64_t ids[UNSURE_MAX], wait_ms = -1;
	struct buf path = BUF_INIT;
	size_t n;

	watcher_drain_events(w);
	n = node_unsure(w->state, ids, UNSURE_MAX);
	for (size_t i = 0; i < n; i++)
		look_again(w, ids[i], &path, &wait_ms);
	if (n == UNSURE_MAX && wait_ms < 0)
		wait_ms = UNSURE_DIR_MS;
	w->unsure_due_ms = wait_ms < 0 ? -1 : clk_mono_ms() + wait_ms + 1;
	buf_release(&path);
}
