/* SPDX-License-Identifier: ISC */
#include "watcher/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "watcher/ask.h"
#include "watcher/dispatch.h"
#include "watcher/gone.h"
#include "watcher/pending.h"
#include "watcher/record.h"
#include "watcher/scan.h"
#include "watcher/stream.h"
#include "watcher/unsure.h"
#include "watcher/watcher_priv.h"

#define LINKS_MAX 64

enum presence
reconcile_presence(
    struct watcher *w, struct root *root, const char *path, size_t len, struct stat *st)
{
	int saved;

	if (watcher_lstat(w, root, path, len, st) == 0)
		return PRESENCE_PRESENT;
	/* The last component is not followed: a symbolic link that leads to itself is
	   where a directory was. */
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return PRESENCE_UNKNOWN;
	saved = errno;
	/* A root that is unmounted or moved away is not a deleted tree. */
	if (fm_watch_root_gone(root->watch) || !fm_watch_root_same(root->watch)) {
		errno = saved;
		return PRESENCE_UNKNOWN;
	}
	return PRESENCE_ABSENT;
}

bool
reconcile_parent(struct place *at)
{
	size_t len = place_dir_len(at);

	if (at->len == 0 || len == 0)
		return true;
	at->node.parent = place_dir(at, true);
	if (place_dir_present(at))
		return true;
	reconcile_path(at->w, at->root, at->path, len, HINT_LOOK, NULL);
	at->node.parent = place_dir(at, false);
	return at->node.parent != 0 && place_dir_present(at);
}

void
reconcile_list(
    struct watcher *w, struct root *root, const char *path, size_t len, bool recursive)
{
	buf_reset(&w->scratch);
	buf_add(&w->scratch, path, len);
	fm_watch_scan(root->watch, len == 0 ? "" : w->scratch.p, recursive);
}

bool
reconcile_is_mounted(const struct root *root)
{
	struct statx stx;

	/* STATX_ATTR_MOUNT_ROOT: Linux 5.8. */
	return statx(AT_FDCWD, root->path, AT_STATX_DONT_SYNC, STATX_TYPE, &stx) == 0 &&
	    (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* Its row goes in its turn; what is at its path belongs to what has the name now. */
static bool
is_leaving(const struct watcher *w, const struct root *root, const struct buf *path)
{
	const struct place *dir = w->leaving;

	return dir != NULL && dir->root == root && path->len > dir->len &&
	    path->p[dir->len] == '/' && memcmp(path->p, dir->path, dir->len) == 0;
}

void
reconcile_links(struct watcher *w, const struct node *node, enum hint hint)
{
	int64_t ids[LINKS_MAX];
	struct buf path = BUF_INIT;
	size_t n;

	if (w->in_links || node->sig.ino == 0)
		return;
	w->in_links = true;
	n = node_by_inode(w->state, node->sig.ino, ids, LINKS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct node other;
		struct root *of;

		if (ids[i] == node->id || !node_get(w->state, ids[i], &other) ||
		    other.gone)
			continue;
		of = place_path(w, ids[i], &path);
		if (of != NULL && !is_leaving(w, of, &path))
			reconcile_path(w, of, path.p, path.len, hint, NULL);
	}
	w->in_links = false;
	buf_release(&path);
}

static void
record(const struct place *at, enum event_type type, enum event_kind kind, bool is_dir,
    const struct stat *st)
{
	struct event event = {
		.type = type,
		.kind = kind,
		.path = at->path,
		.path_len = at->len,
		.is_dir = is_dir,
		.st = st,
	};

	record_event(at->w, at->root, &event);
}

static void
absent(struct place *at, enum hint hint)
{
	struct sig phantom = { .type = SIG_OTHER };

	if (at->found && !at->node.gone) {
		gone_place(at);
		return;
	}
	if (hint != HINT_CREATED) {
		at->w->intake.suppressed += hint != HINT_LOOK;
		return;
	}
	/* Made and gone again, or renamed on, before we could look: the hint that
	   says which is on its way and finds this row. */
	place_store(at, &phantom, false);
	record(at, EVENT_CREATED, EVENT_KIND_NONE, false, NULL);
}

static void
appeared(struct place *at, const struct sig *sig, const struct stat *st)
{
	bool told = at->found && !at->node.gone && at->node.sig.ino == 0 &&
	    at->node.sig.type == SIG_OTHER;
	bool late = !ask_finds_rows(at->w);

	/* The record may be waited for, the row is not. */
	if (!late)
		place_store(at, sig, false);
	if (!told)
		record(at, EVENT_CREATED, EVENT_KIND_NONE, sig->type == SIG_DIR, st);
	if (late)
		place_store(at, sig, false);
	dispatch_taint_path(at->w, at->root, at->path, at->len);
	pending_update(at->w, at->root, &at->node, at->path, at->len, true);
	/* One that the library knows already (it counted as gone while it was being
	   renamed) would not be listed; for a new one this does nothing. */
	if (sig->type == SIG_DIR)
		reconcile_list(at->w, at->root, at->path, at->len, true);
	if (sig->type != SIG_DIR && st->st_nlink > 1)
		reconcile_links(at->w, &at->node, HINT_LOOK);
}

static bool
is_written(enum hint hint)
{
	return hint == HINT_WRITTEN || hint == HINT_MODIFIED;
}

static enum event_kind
kind_of(
    enum sig_change change, enum hint hint, const struct place *at, const struct sig *sig)
{
	if (is_written(hint))
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

/* With ignore-metadata: a change of mode, owner or links alone, surely.  ctime
   alone may be content with its old times put back, and so may whatever was not
   told of as it happened: then what the file holds decides. */
static bool
is_ignored(const struct place *at, enum sig_change change, enum hint hint)
{
	return at->w->config->ignore_metadata && change == SIG_METADATA &&
	    (hint == HINT_ATTRIB ||
		(at->node.sig.type != SIG_FILE && !is_written(hint))) &&
	    !at->node.unsure;
}

static void
record_change(
    struct place *at, enum event_kind kind, const struct sig *now, const struct stat *st)
{
	const struct sig *before = &at->node.sig;
	struct event event = {
		.type = EVENT_MODIFIED,
		.kind = kind,
		.path = at->path,
		.path_len = at->len,
		.is_dir = S_ISDIR(st->st_mode),
		.st = st,
		.replaced = before->ino != now->ino,
		.shrunk = before->ino == now->ino && st->st_size < before->size,
	};

	record_event(at->w, at->root, &event);
}

/* What follows where the row is another one now. */
static void
follow(struct place *at, const struct stat *st)
{
	dispatch_taint_path(at->w, at->root, at->path, at->len);
	pending_update(at->w, at->root, &at->node, at->path, at->len, true);
	if (at->node.sig.type != SIG_DIR && st->st_nlink > 1)
		reconcile_links(at->w, &at->node, HINT_LOOK);
}

static void
changed(struct place *at, enum sig_change change, enum hint hint, const struct sig *sig,
    const struct stat *st)
{
	enum event_kind kind = kind_of(change, hint, at, sig);
	bool is_dir = sig->type == SIG_DIR, ignored = is_ignored(at, change, hint);
	struct sig before = at->node.sig;
	bool other_dir = is_dir && before.ino != sig->ino;

	/* The record goes first: it may be waited for, the row is not. */
	if (!other_dir)
		record_change(at, kind, sig, st);
	place_store(at, sig, false);
	if (other_dir)
		reconcile_list(at->w, at->root, at->path, at->len, true);
	if (ignored) {
		pending_carry(at->w, at->node.id, sig_hash(&before), sig_hash(sig));
		return;
	}
	follow(at, st);
	if (before.type != SIG_DIR && before.ino != sig->ino) {
		struct node replaced = { .id = at->node.id, .sig = before };

		reconcile_links(at->w, &replaced, HINT_LOOK);
	}
}

/* What was read or delivered with these stamps may be what was there before. */
static void
doubt_content(struct place *at, const struct stat *st, enum hint hint)
{
	if (at->node.unsure)
		node_set_unsure(at->w->state, &at->node, false);
	dispatch_taint_path(at->w, at->root, at->path, at->len);
	if (hint != HINT_MODIFIED)
		return;
	ask_renew(at->w, &at->node, at->path, at->len);
	if (st->st_nlink > 1)
		reconcile_links(at->w, &at->node, hint);
}

/* The signature says nothing new; the hint may: data come after their stamps. */
static void
unchanged(struct place *at, enum hint hint, const struct stat *st)
{
	bool unsure = at->node.unsure, late = hint == HINT_MODIFIED;
	bool young = settle_unsure_ms(st, clk_wall_ns()) > 0;

	if (at->node.sig.type == SIG_DIR) {
		at->w->intake.suppressed += hint != HINT_LOOK;
		return;
	}
	if (is_written(hint) && (unsure || young)) {
		record(at, EVENT_MODIFIED, EVENT_CONTENT, false, st);
	} else if (hint != HINT_LOOK) {
		at->w->intake.suppressed++;
	}
	if (late || (unsure && (hint == HINT_WRITTEN || hint == HINT_LOOK)))
		doubt_content(at, st, hint);
	if (is_written(hint) || unsure)
		pending_update(
		    at->w, at->root, &at->node, at->path, at->len, unsure || late);
}

/* What was told without having been seen was told as a file. */
static bool
is_another_thing(const struct node *node, const struct sig *sig)
{
	bool unseen = node->sig.ino == 0 && node->sig.type != SIG_DIR;

	return unseen ? sig->type == SIG_DIR : node->sig.type != sig->type;
}

static void
present(struct place *at, enum hint hint, const struct stat *st)
{
	struct sig sig;
	enum sig_change change;

	sig_from_stat(&sig, st);
	if (at->len == 0) {
		/* A directory has neither size nor time here: the root's row keeps
		   its device, and whether it is a mount point. */
		sig.size = (int64_t)st->st_dev;
		sig.mtime = reconcile_is_mounted(at->root);
		place_store(at, &sig, false);
		return;
	}
	if (at->found && !at->node.gone && is_another_thing(&at->node, &sig)) {
		gone_place(at);
		place_find(at, at->w, at->root, at->path, at->len);
	} else if (at->found && sig.type != SIG_DIR && at->node.sig.ino == 0) {
		gone_below(at);
	}
	if (!at->found || at->node.gone || at->node.sig.ino == 0) {
		if (reconcile_parent(at))
			appeared(at, &sig, st);
		return;
	}
	change = sig_compare(&at->node.sig, &sig);
	if (change == SIG_SAME)
		unchanged(at, hint, st);
	else
		changed(at, change, hint, &sig, st);
}

void
reconcile_present(struct place *at, enum hint hint, const struct stat *st)
{
	if (at->len == 0 ||
	    filter_want(at->root->filter, at->path, at->len, S_ISDIR(st->st_mode), NULL))
		present(at, hint, st);
	else
		absent(at, HINT_LOOK);
}

/* Gone, or a file by now: what was made below went with the directory, and the hint
   that says so may be lost.  One that was told unseen may be a directory. */
static bool
is_over(const struct node *dir)
{
	return dir->gone || (dir->sig.ino != 0 && dir->sig.type != SIG_DIR);
}

/* Does the path of the directory lead to the one that its row is of? */
static bool
leads_to(const struct place *at, const struct node *dir)
{
	struct stat st;

	return watcher_lstat(at->w, at->root, at->path, place_dir_len(at), &st) == 0 &&
	    st.st_ino == dir->sig.ino;
}

bool
reconcile_is_certain(const struct place *at, bool is_there)
{
	struct watcher *w = at->w;
	struct node dir;

	if (place_dir_len(at) == 0)
		return true;
	if (at->node.parent == 0 || !node_get(w->state, at->node.parent, &dir))
		return is_there;
	if (is_over(&dir))
		return is_there || (at->found && !at->node.gone);
	if (dir.sig.ino == 0 ? is_there : leads_to(at, &dir))
		return true;
	node_set_unsure(w->state, &dir, true);
	place_uncache(w, dir.id);
	unsure_within(w, UNSURE_DIR_MS);
	return false;
}

/* The row is what was recalled, or is read now.  Another file may be that of another
   directory, which has the name of this one. */
static void
store_rewritten(struct place *at, const struct sig *sig)
{
	if (!node_restamp(at->w->state, at->node.id, sig)) {
		place_find(at, at->w, at->root, at->path, at->len);
		if (!reconcile_is_certain(at, true))
			return;
		place_store(at, sig, false);
	}
	at->node.sig = *sig;
}

/*
 * Mostly what is written to is a file that was met lately, and is recalled.  Then
 * the record needs no more than the notification and the look, and does not wait for
 * state.db.  false: it is not as simple.
 */
static bool
rewritten(struct place *at, enum hint hint, const struct stat *st)
{
	struct sig sig;

	if (!S_ISREG(st->st_mode) || stream_compares(at->w->stream) ||
	    !filter_want(at->root->filter, at->path, at->len, false, NULL))
		return false;
	sig_from_stat(&sig, st);
	if (at->mark == sig_hash(&sig)) {
		at->node.sig = sig;
		unchanged(at, hint, st);
		return true;
	}
	record(at, EVENT_MODIFIED, EVENT_CONTENT, false, st);
	store_rewritten(at, &sig);
	follow(at, st);
	return true;
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
		w->incomplete = true;
		log_debug("path %s: cannot look: %s (left as it was)", w->abs.p,
		    strerror(errno));
		scan_unseen(root, path, len);
		return;
	}
	if (is_written(hint) && presence == PRESENCE_PRESENT &&
	    place_recall(&at, w, root, path, len) && rewritten(&at, hint, &st))
		return;
	place_find(&at, w, root, path, len);
	if (seen == NULL && !reconcile_is_certain(&at, presence == PRESENCE_PRESENT))
		return;
	if (presence == PRESENCE_PRESENT)
		reconcile_present(&at, hint, &st);
	else
		absent(&at, hint);
}
