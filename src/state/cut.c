/* SPDX-License-Identifier: ISC */
#include "state/cut.h"

#include "base/buf.h"
#include "base/log.h"
#include "state/node.h"
#include "state/state.h"

/* The second time it waits for up to so long, and then for twice as long each time. */
#define WAIT_MS 1000
#define WAIT_MAX_MS (10 * 60 * 1000)
#define NAMED_MAX 10 /* paths in the log */

/* Of those that are not pending any more, nobody asks. */
static void
drop_old(struct state *state)
{
	sql_run(state_sql(state),
	    state_stmt(state,
		"DELETE FROM cut WHERE NOT EXISTS (SELECT 1 FROM delivered d"
		" WHERE d.handler = cut.handler AND d.node = cut.node"
		" AND d.due IS NOT NULL)"));
}

static void
count_running(struct state *state)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "INSERT INTO cut(handler, node, n)"
	    " SELECT handler, node, 1 FROM delivered WHERE due = ?1"
	    " ON CONFLICT(handler, node) DO UPDATE SET n = n + 1");

	sqlite3_bind_int64(stmt, 1, STATE_DUE_RUNNING);
	sql_run(state_sql(state), stmt);
}

static void
name_repeated(struct state *state)
{
	struct buf path = BUF_INIT;
	sqlite3_stmt *stmt = state_stmt(state,
	    "SELECT h.name, c.node, c.n FROM cut c JOIN handler h ON h.id = c.handler"
	    " JOIN delivered d ON d.handler = c.handler AND d.node = c.node"
	    " WHERE d.due = ?1 AND c.n > 1 ORDER BY c.n DESC LIMIT ?2");

	sqlite3_bind_int64(stmt, 1, STATE_DUE_RUNNING);
	sqlite3_bind_int64(stmt, 2, NAMED_MAX);
	while (sql_row(state_sql(state), stmt)) {
		node_path(state, sqlite3_column_int64(stmt, 1), &path);
		log_warnx("handler %s: %s: ran when filemond died, %lld times in a row "
			  "(others go first)",
		    (const char *)sqlite3_column_text(stmt, 0),
		    path.p == NULL ? "" : path.p,
		    (long long)sqlite3_column_int64(stmt, 2));
	}
	buf_release(&path);
}

/* Between half of the wait and all of it. */
static void
put_off(struct state *state, int64_t now_ms)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "UPDATE delivered SET due = ?1 + coalesce((SELECT w - abs(random() % (w / 2 "
	    "+ 1))"
	    " FROM (SELECT iif(n < 2, 0, min(?4, ?3 << min(n - 2, 30))) AS w FROM cut c"
	    " WHERE c.handler = delivered.handler AND c.node = delivered.node)), 0)"
	    " WHERE due = ?2");

	sqlite3_bind_int64(stmt, 1, now_ms);
	sqlite3_bind_int64(stmt, 2, STATE_DUE_RUNNING);
	sqlite3_bind_int64(stmt, 3, WAIT_MS);
	sqlite3_bind_int64(stmt, 4, WAIT_MAX_MS);
	sql_run(state_sql(state), stmt);
	/* As in state_release. */
	if (sqlite3_changes(sql_handle(state_sql(state))) > 0)
		state_must_last(state);
}

void
cut_note(struct state *state, int64_t now_ms)
{
	sql_begin(state_sql(state));
	drop_old(state);
	count_running(state);
	name_repeated(state);
	put_off(state, now_ms);
}

void
cut_forget(struct state *state, int64_t handler, int64_t node)
{
	sqlite3_stmt *stmt;

	if (!state_hints(state)->cut)
		return;
	stmt = state_stmt(state, "DELETE FROM cut WHERE handler = ?1 AND node = ?2");
	sqlite3_bind_int64(stmt, 1, handler);
	sqlite3_bind_int64(stmt, 2, node);
	sql_begin(state_sql(state));
	sql_run(state_sql(state), stmt);
	if (sqlite3_changes(sql_handle(state_sql(state))) > 0)
		state_look_cut(state);
}
