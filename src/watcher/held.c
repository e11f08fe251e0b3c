/* SPDX-License-Identifier: ISC */
#include "watcher/held.h"

#include <string.h>

#include "base/log.h"
#include "policy/save.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

struct keep {
	struct watcher *w;
	int window, n;
};

static int64_t
root_id(const struct watcher *w, const char *path)
{
	for (size_t i = 0; i < w->n_roots; i++)
		if (w->roots[i].path == path)
			return w->roots[i].node;
	return 0;
}

/* An edited is kept as what it does to the tree. */
static enum event_type
plain_type(const struct keep *keep, const struct event *ev)
{
	if (ev->type != EVENT_EDITED)
		return ev->type;
	return ev->fresh || keep->n > 0 ? EVENT_CREATED : EVENT_MODIFIED;
}

static void
keep_record(void *ctx, const struct event *ev)
{
	struct keep *keep = ctx;
	struct state *state = keep->w->state;
	sqlite3_stmt *stmt =
	    state_stmt(state, "INSERT INTO held VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

	sqlite3_bind_int(stmt, 1, keep->window);
	sqlite3_bind_int(stmt, 2, keep->n);
	sqlite3_bind_int64(stmt, 3, root_id(keep->w, ev->root));
	sqlite3_bind_text(
	    stmt, 4, event_type_name(plain_type(keep, ev)), -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, ev->path, (int)ev->path_len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 6, ev->old_path, (int)ev->old_path_len, SQLITE_STATIC);
	sql_run(state_sql(state), stmt);
	keep->n++;
}

void
held_keep(struct watcher *w, struct save *save)
{
	struct sql *sql = state_sql(w->state);

	for (int i = 0; i < SAVE_WINDOWS; i++) {
		struct keep keep = { .w = w, .window = i };
		sqlite3_stmt *stmt;

		if (!save_changed(save, (unsigned)i))
			continue;
		sql_begin(sql);
		stmt = state_stmt(w->state, "DELETE FROM held WHERE window = ?1");
		sqlite3_bind_int(stmt, 1, i);
		sql_run(sql, stmt);
		save_each(save, (unsigned)i, keep_record, &keep);
	}
	save_mark_kept(save);
}

static enum event_type
type_of(const char *name)
{
	int type = 0;

	while (
	    type < EVENT_GAP && strcmp(event_type_name((enum event_type)type), name) != 0)
		type++;
	return (enum event_type)type;
}

static void
restore_row(struct watcher *w, sqlite3_stmt *stmt)
{
	struct root *root = watcher_root_of(w, sqlite3_column_int64(stmt, 0));
	struct event ev = {
		.type = type_of((const char *)sqlite3_column_text(stmt, 1)),
		.path = sqlite3_column_blob(stmt, 2),
		.path_len = (size_t)sqlite3_column_bytes(stmt, 2),
		.old_path = sqlite3_column_blob(stmt, 3),
		.old_path_len = (size_t)sqlite3_column_bytes(stmt, 3),
		.listed = true,
	};

	if (ev.type == EVENT_MODIFIED)
		ev.kind = EVENT_CONTENT;
	if (root != NULL && ev.path != NULL && ev.type != EVENT_GAP)
		record_event(w, root, &ev);
}

void
held_restore(struct watcher *w)
{
	sqlite3_stmt *stmt;
	int n = 0;

	if (w->state == NULL)
		return;
	stmt = state_stmt(
	    w->state, "SELECT root, type, path, old_path FROM held ORDER BY window, n");
	for (; sql_row(state_sql(w->state), stmt); n++)
		restore_row(w, stmt);
	if (n == 0)
		return;
	log_info("event log: %d records were held back at a crash (recorded now)", n);
	sql_begin(state_sql(w->state));
	sql_exec(state_sql(w->state), "DELETE FROM held");
}
