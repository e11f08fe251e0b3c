/* SPDX-License-Identifier: ISC */
#include "watcher/place.h"

#include <string.h>

#include "watcher/watcher_priv.h"

void
place_uncache(struct watcher *w, int64_t id)
{
	w->stored.id = 0;
	for (size_t i = 0; i < w->n_roots; i++) {
		if (id == 0)
			dircache_clear(&w->roots[i].dirs);
		else
			dircache_drop(&w->roots[i].dirs, id);
	}
}

/* As deep as what can be remembered, or up to a directory that is. */
static int64_t
dir_id(struct watcher *w, struct root *root, const char *dir, size_t len, bool make)
{
	const struct dircache_entry *known;
	const char *slash;
	size_t up, name;
	int64_t id;

	if (len == 0)
		return root->node;
	known = dircache_find(&root->dirs, dir, len);
	if (known != NULL)
		return known->id;
	slash = memrchr(dir, '/', len < DIRCACHE_PATH_MAX ? len : DIRCACHE_PATH_MAX);
	up = slash == NULL ? 0 : (size_t)(slash - dir);
	name = slash == NULL ? 0 : up + 1;
	id = dir_id(w, root, dir, up, make);
	if (id != 0)
		id = node_resolve(w->state, id, dir + name, len - name, make);
	if (id != 0)
		dircache_put(&root->dirs, dir, len, id);
	return id;
}

size_t
place_dir_len(const struct place *at)
{
	return (size_t)(at->name - at->path) - (at->name > at->path);
}

int64_t
place_dir(struct place *at, bool make)
{
	return dir_id(at->w, at->root, at->path, place_dir_len(at), make);
}

int64_t
place_as_dir(struct place *at)
{
	if (at->found && at->len > 0 &&
	    dircache_find(&at->root->dirs, at->path, at->len) == NULL)
		dircache_put(&at->root->dirs, at->path, at->len, at->node.id);
	return dir_id(at->w, at->root, at->path, at->len, true);
}

int64_t
place_expected(struct root *root, const char *path, size_t len, const struct stat *st)
{
	struct dircache_entry *known = dircache_find(&root->dirs, path, len);
	struct sig sig;

	if (known == NULL || known->mark == 0)
		return 0;
	sig_from_stat(&sig, st);
	known->present = known->mark == sig_hash(&sig);
	known->mark = 0;
	return known->present ? known->id : 0;
}

bool
place_dir_present(struct place *at)
{
	struct dircache_entry *known =
	    dircache_find(&at->root->dirs, at->path, place_dir_len(at));
	struct node dir;

	if (known != NULL && known->present && known->id == at->node.parent)
		return true;
	if (!node_get(at->w->state, at->node.parent, &dir) || dir.gone ||
	    dir.sig.type != SIG_DIR)
		return false;
	if (known != NULL && known->id == dir.id)
		known->present = true;
	return true;
}

void
place_new(struct place *at, struct watcher *w, struct root *root, const char *path,
    size_t len, int64_t dir)
{
	const char *slash = memrchr(path, '/', len);

	memset(at, 0, sizeof(*at));
	at->w = w;
	at->root = root;
	at->path = path;
	at->len = len;
	at->name = slash == NULL ? path : slash + 1;
	at->name_len = len - (size_t)(at->name - path);
	at->node.parent = dir;
}

/* The place, without its row. */
static void
locate(
    struct place *at, struct watcher *w, struct root *root, const char *path, size_t len)
{
	place_new(at, w, root, path, len, 0);
	if (len > 0)
		at->node.parent = place_dir(at, false);
}

void
place_find(
    struct place *at, struct watcher *w, struct root *root, const char *path, size_t len)
{
	locate(at, w, root, path, len);
	if (len == 0)
		at->found = node_get(w->state, root->node, &at->node);
	else if (at->node.parent != 0)
		at->found = node_find(
		    w->state, at->node.parent, at->name, at->name_len, &at->node);
}

bool
place_recall(
    struct place *at, struct watcher *w, struct root *root, const char *path, size_t len)
{
	struct node_row row;

	locate(at, w, root, path, len);
	if (at->node.parent == 0 ||
	    !node_recall(w->state, at->node.parent, at->name, at->name_len, &row))
		return false;
	at->found = true;
	at->node.id = row.id;
	at->mark = row.mark;
	return true;
}

/* What is not a directory counts as a file. */
static bool
is_file(const struct node *node)
{
	return !node->gone && node->sig.type != SIG_DIR;
}

void
place_expect(struct root *root, const char *path, size_t len, const struct node_row *row)
{
	struct dircache_entry *known = dircache_put(&root->dirs, path, len, row->id);

	if (known != NULL)
		known->mark = row->mark;
}

/* What was written last is what is asked for next: it may be due at once. */
static void
remember(const struct place *at)
{
	struct watcher *w = at->w;

	w->stored.id = at->len > 0 ? at->node.id : 0;
	w->stored.root = at->root;
	buf_reset(&w->stored.path);
	buf_add(&w->stored.path, at->path, at->len);
}

/* The root, and the path below it, of a directory that is remembered. */
static struct root *
recall_dir(struct watcher *w, int64_t id, const char **dir, size_t *len)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		const struct dircache_entry *known =
		    dircache_by_id(&w->roots[i].dirs, id);

		if (known == NULL && w->roots[i].node != id)
			continue;
		*dir = known == NULL ? "" : known->path;
		*len = known == NULL ? 0 : known->len;
		return &w->roots[i];
	}
	return NULL;
}

/* Row by row, up to the root; the directory is remembered. */
static struct root *
climb(struct watcher *w, int64_t id, int64_t parent, struct buf *path)
{
	struct root *root = watcher_root_of(w, node_path(w->state, id, path));
	const char *slash = root == NULL ? NULL : memrchr(path->p, '/', path->len);

	if (slash != NULL)
		dircache_put(&root->dirs, path->p, (size_t)(slash - path->p), parent);
	return root;
}

struct root *
place_path(struct watcher *w, int64_t id, struct buf *path)
{
	const char *dir;
	struct root *root;
	int64_t parent;
	size_t len;

	buf_reset(path);
	if (w->stored.id == id) {
		buf_add(path, w->stored.path.p, w->stored.path.len);
		return w->stored.root;
	}
	parent = node_prepend(w->state, id, path);
	root = parent == 0 ? NULL : recall_dir(w, parent, &dir, &len);
	if (root == NULL)
		return climb(w, id, parent, path);
	if (len > 0)
		buf_insert(path, "/", 1);
	buf_insert(path, dir, len);
	return root;
}

void
place_store(struct place *at, const struct sig *sig, bool gone)
{
	const struct node before = at->node;

	at->w->files -= at->found && is_file(&at->node);
	at->node.sig = *sig;
	at->node.gone = gone;
	/* Of a directory it is not its stamps that are: it has yet to be listed. */
	at->node.unsure =
	    before.unsure && before.sig.type == SIG_DIR && sig->type == SIG_DIR;
	at->node.origin = 0;
	at->w->files += is_file(&at->node);
	if (at->found) {
		node_update_from(at->w->state, &before, &at->node);
		remember(at);
		return;
	}
	if (at->node.parent == 0)
		at->node.parent = place_dir(at, true);
	node_insert(at->w->state, &at->node, at->name, at->name_len);
	at->found = true;
	remember(at);
	if (sig->type == SIG_DIR && !gone && at->len > 0)
		place_expect(at->root, at->path, at->len,
		    &(struct node_row){ at->node.id, sig_hash(sig) });
}
