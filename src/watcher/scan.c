/* SPDX-License-Identifier: ISC */
#include "watcher/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "state/node.h"
#include "watcher/pending.h"
#include "watcher/place.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

static void
read_page(struct root *root, bool first)
{
	struct root_scan *scan = &root->scan;
	size_t len;
	const char *name;

	node_page_read(root->watcher->state, scan->dir, scan->last.p, scan->last.len,
	    first, &scan->page);
	scan->at = 0;
	scan->arrivals = state_arrivals(root->watcher->state);
	if (scan->page.n == 0)
		return;
	name = node_page_name(&scan->page, scan->page.n - 1, &len);
	buf_reset(&scan->last);
	buf_add(&scan->last, name, len);
}

/* The next row's name, or NULL at the end. */
static const char *
next_row(struct root *root, size_t *len)
{
	struct root_scan *scan = &root->scan;

	if (scan->at == scan->page.n && scan->page.more)
		read_page(root, false);
	return scan->at == scan->page.n ? NULL
					: node_page_name(&scan->page, scan->at, len);
}

static int
compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int rc = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (rc != 0)
		return rc;
	return a_len < b_len ? -1 : a_len > b_len;
}

/* A row that the listing does not have. */
static void
row_missing(struct root *root, const struct node_row *row, const char *name, size_t len)
{
	struct root_scan *scan = &root->scan;
	size_t base = scan->path.len;
	struct buf path = BUF_INIT;
	struct node node;

	if (row->mark == 0 && node_get(root->watcher->state, row->id, &node) && node.gone)
		return;
	if (base > 0) {
		buf_add(&path, scan->path.p, base);
		buf_addc(&path, '/');
	}
	buf_add(&path, name, len);
	reconcile_path(root->watcher, root, path.p, path.len, HINT_LOOK, NULL);
	buf_release(&path);
}

/* Takes the rows up to name, which the listing lacks; true: one is equal. */
static bool
catch_up(struct root *root, const char *name, size_t len, struct node_row *row)
{
	const char *row_name;
	size_t row_len;

	while ((row_name = next_row(root, &row_len)) != NULL) {
		int rc = compare_names(row_name, row_len, name, len);

		if (rc > 0)
			return false;
		*row = root->scan.page.rows[root->scan.at++];
		if (rc == 0)
			return true;
		row_missing(root, row, row_name, row_len);
	}
	return false;
}

/* Handlers that are new, or were changed, are asked about what is unchanged too. */
static void
evaluate(struct root *root, int64_t id, const struct fm_event *event)
{
	struct watcher *w = root->watcher;
	struct node node;

	for (size_t i = 0; i < w->n_handlers; i++) {
		if (!w->handlers[i].evaluate)
			continue;
		if (node_get(w->state, id, &node))
			pending_update(
			    w, root, &node, event->path, event->path_len, false);
		return;
	}
}

/* The listing shows what was seen of a file. */
static void
remember(struct root *root, const struct node_row *row, const struct fm_event *event)
{
	if (row->mark != 0 && S_ISREG(event->st->st_mode))
		node_remember(root->watcher->state, row, root->scan.dir, event->name,
		    event->path_len - (size_t)(event->name - event->path));
}

/* Does the listing show what was seen?  A row of an older version gets its mark. */
static bool
is_same(struct state *state, const struct node_row *row, const struct stat *st)
{
	struct node node;
	struct sig sig;

	sig_from_stat(&sig, st);
	if (row->mark != 0)
		return row->mark == sig_hash(&sig);
	if (!node_get(state, row->id, &node) || node.gone || node.unsure ||
	    sig_compare(&node.sig, &sig) != SIG_SAME)
		return false;
	node_update(state, &node);
	return true;
}

/* A name that surely has no row; the one that it gets is no news to the next. */
static void
take_new(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;
	struct place at;

	place_new(&at, w, root, event->path, event->path_len, root->scan.dir);
	reconcile_present(&at, HINT_LOOK, event->st);
	root->scan.arrivals = state_arrivals(w->state);
}

/* Once: when it is new there, or another one than was seen. */
static void
say_elsewhere(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	if (event->st != NULL && S_ISDIR(event->st->st_mode) &&
	    event->st->st_dev != root->scan.dev && !w->config->cross_filesystems)
		log_info("directory %s: on another file system: left out "
			 "(cross-filesystems = false)",
		    watcher_abs(w, root, event->path, event->path_len));
}

static void
take_entry(struct root *root, const struct fm_event *event)
{
	struct node_row row;
	size_t len = event->path_len - (size_t)(event->name - event->path);
	bool found = catch_up(root, event->name, len, &row);

	/* Its own listing looks at it.  One that is new becomes a row now: rows of one
	   directory belong together in the index. */
	if (found && event->st == NULL && event->is_dir) {
		place_expect(root, event->path, event->path_len, &row);
		return;
	}
	/* Without st where the state came after the watch: a monitor that polls. */
	if (found && event->st != NULL &&
	    is_same(root->watcher->state, &row, event->st) && !event->modified) {
		remember(root, &row, event);
		evaluate(root, row.id, event);
		return;
	}
	say_elsewhere(root, event);
	/* Unless others have made rows since the page was read. */
	if (!found && event->st != NULL &&
	    root->scan.arrivals == state_arrivals(root->watcher->state)) {
		take_new(root, event);
		return;
	}
	/* The row may be older than the page: reconcile_path reads it afresh, and
	   the stat too where an event came between. */
	reconcile_path(root->watcher, root, event->path, event->path_len,
	    event->modified ? HINT_MODIFIED : HINT_LOOK, event->st);
}

/* Its row is looked up, and compared with what is there. */
static void
begin_unexpected(struct root *root, const struct fm_event *event)
{
	struct root_scan *scan = &root->scan;
	struct place at;

	place_find(&at, root->watcher, root, event->path, event->path_len);
	reconcile_present(&at, HINT_LOOK, event->st);
	scan->dir = place_as_dir(&at);
	scan->unsure = at.found && at.node.unsure;
}

static void
begin(struct root *root, const struct fm_event *event)
{
	struct root_scan *scan = &root->scan;

	/* A transaction for all that is read of this slice. */
	sql_begin(state_sql(root->watcher->state));
	scan->active = true;
	scan->unsure = false;
	scan->dev = event->st->st_dev;
	buf_reset(&scan->path);
	buf_add(&scan->path, event->path, event->path_len);
	scan->dir = place_expected(root, event->path, event->path_len, event->st);
	if (scan->dir == 0)
		begin_unexpected(root, event);
	if (event->path_len > 0)
		evaluate(root, scan->dir, event);
	buf_reset(&scan->last);
	read_page(root, true);
}

static void
end(struct root *root)
{
	const char *name;
	size_t len;
	struct node dir;

	while ((name = next_row(root, &len)) != NULL) {
		struct node_row row = root->scan.page.rows[root->scan.at++];

		row_missing(root, &row, name, len);
	}
	root->scan.active = false;
	if (root->scan.unsure && node_get(root->watcher->state, root->scan.dir, &dir) &&
	    dir.unsure)
		node_set_unsure(root->watcher->state, &dir, false);
}

int
scan_try(struct root *root, const char *path, size_t len)
{
	struct buf place = BUF_INIT;
	int fd, error;

	/* "." needs the right to search it, and the opening that to read it. */
	buf_adds(&place, watcher_abs(root->watcher, root, path, len));
	buf_adds(&place, "/.");
	fd = fd_openat(AT_FDCWD, place.p, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	error = fd == -1 ? errno : 0;
	fd_close(&fd);
	buf_release(&place);
	return error;
}

/* Is the directory of this path the one that is being listed? */
static bool
is_listing(const struct root *root, const char *path, size_t dir_len)
{
	const struct root_scan *scan = &root->scan;

	return scan->active && scan->path.len == dir_len &&
	    (dir_len == 0 || memcmp(scan->path.p, path, dir_len) == 0);
}

void
scan_unseen(struct root *root, const char *path, size_t len)
{
	struct buf dir = BUF_INIT;

	while (len > 0 && path[len - 1] != '/')
		len--;
	len -= len > 0;
	if (is_listing(root, path, len))
		return;
	buf_add(&dir, path, len);
	if (fm_watch_dir(root->watch, len == 0 ? "" : dir.p) != FM_DIR_FAILED)
		fm_watch_scan(root->watch, len == 0 ? "" : dir.p, false);
	buf_release(&dir);
}

void
scan_look_at(struct root *root, const char *path, size_t len)
{
	if (scan_try(root, path, len) == EACCES)
		reconcile_list(root->watcher, root, path, len, false);
}

bool
scan_failed_anew(const struct fm_event *event)
{
	return !event->repeated && event->error != ENOENT && event->error != ENOTDIR &&
	    event->error != ELOOP;
}

static void
failed(struct root *root, const struct fm_event *event)
{
	struct watcher *w = root->watcher;

	root->scan.active = false;
	reconcile_path(w, root, event->path, event->path_len, HINT_LOOK, NULL);
	if (event->error == ENOENT || event->error == ENOTDIR || event->error == ELOOP)
		return;
	w->intake.unseen++;
	w->incomplete = true;
	if (scan_failed_anew(event))
		log_warnx(
		    "directory %s: cannot be listed: %s (what is below stays as it was)",
		    watcher_abs(w, root, event->path, event->path_len),
		    strerror(event->error));
}

void
scan_event(struct root *root, const struct fm_event *event)
{
	root->in_scan = true;
	switch (event->kind) {
	case FM_LIST_BEGIN:
		begin(root, event);
		break;
	case FM_LIST_ENTRY:
		if (root->scan.active)
			take_entry(root, event);
		break;
	case FM_LIST_END:
		if (root->scan.active)
			end(root);
		break;
	default:
		failed(root, event);
	}
	root->in_scan = false;
}

void
scan_release(struct root *root)
{
	node_page_release(&root->scan.page);
	buf_release(&root->scan.path);
	buf_release(&root->scan.last);
}
