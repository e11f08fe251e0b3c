/* SPDX-License-Identifier: ISC */
#include "state/handler.h"

#include "base/clk.h"
#include "base/compiler.h"
#include "base/sql.h"

int64_t
state_handler(struct state *state, const char *name, bool *is_new)
{
	sqlite3_stmt *stmt = state_stmt(state, "SELECT id FROM handler WHERE name = ?1");
	int64_t id;

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	id = sql_number(state_sql(state), stmt, 0);
	*is_new = id == 0;
	if (id != 0)
		return id;
	sql_begin(state_sql(state));
	stmt = state_stmt(state, "INSERT INTO handler(name, since) VALUES(?1, ?2)");
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, clk_stamp_ns());
	sql_run(state_sql(state), stmt);
	return sqlite3_last_insert_rowid(sql_handle(state_sql(state)));
}

static int64_t
handler_column(struct state *state, sqlite3_stmt *stmt, int64_t handler)
{
	sqlite3_bind_int64(stmt, 1, handler);
	return sql_number(state_sql(state), stmt, 0);
}

static void
handler_set(struct state *state, sqlite3_stmt *stmt, int64_t handler, int64_t value)
{
	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, handler);
	sqlite3_bind_int64(stmt, 2, value);
	sql_run(state_sql(state), stmt);
}

int64_t
state_handler_since(struct state *state, int64_t handler)
{
	return handler_column(
	    state, state_stmt(state, "SELECT since FROM handler WHERE id = ?1"), handler);
}

int64_t
state_handler_digest(struct state *state, int64_t handler)
{
	return handler_column(state,
	    state_stmt(state, "SELECT digest FROM handler WHERE id = ?1"), handler);
}

void
state_handler_set_digest(struct state *state, int64_t handler, int64_t digest)
{
	handler_set(state,
	    state_stmt(state, "UPDATE handler SET digest = ?2 WHERE id = ?1"), handler,
	    digest);
}

bool
state_handler_paused(struct state *state, int64_t handler)
{
	return handler_column(state,
		   state_stmt(state, "SELECT paused FROM handler WHERE id = ?1"),
		   handler) != 0;
}

void
state_handler_set_paused(struct state *state, int64_t handler, bool paused)
{
	handler_set(state,
	    state_stmt(state, "UPDATE handler SET paused = ?2 WHERE id = ?1"), handler,
	    paused);
}

static void
handler_forget(struct state *state, int64_t handler)
{
	static const char *const texts[] = {
		"DELETE FROM delivered WHERE handler = ?1",
		"DELETE FROM failure WHERE handler = ?1",
		"DELETE FROM cut WHERE handler = ?1",
		"DELETE FROM handler WHERE id = ?1",
	};

	for (size_t i = 0; i < COUNTOF(texts); i++) {
		sqlite3_stmt *stmt = state_stmt(state, texts[i]);
		sqlite3_bind_int64(stmt, 1, handler);
		sql_run(state_sql(state), stmt);
	}
}

static bool
is_kept(int64_t id, const int64_t *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == id)
			return true;
	return false;
}

/* Nodes that only a handler waited for that is no more: a directory goes after what
   is in it, so a level at a time. */
static void
drop_gone(struct state *state)
{
	static const char text[] =
	    "DELETE FROM node WHERE gone = 1 AND NOT EXISTS"
	    " (SELECT 1 FROM delivered d WHERE d.node = node.id)"
	    " AND NOT EXISTS (SELECT 1 FROM node c WHERE c.parent = node.id)";

	while (sql_exec(state_sql(state), text) == 0 &&
	    sqlite3_changes(sql_handle(state_sql(state))) > 0)
		continue;
}

void
state_handlers_prune(struct state *state, const int64_t *keep, size_t n)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT id FROM handler WHERE id > ?1 ORDER BY id");
	int64_t id = 0;

	sql_begin(state_sql(state));
	for (;;) {
		sqlite3_bind_int64(stmt, 1, id);
		if (!sql_row(state_sql(state), stmt))
			break;
		id = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		if (!is_kept(id, keep, n))
			handler_forget(state, id);
	}
	drop_gone(state);
}
