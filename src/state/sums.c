/* SPDX-License-Identifier: ISC */
#include "state/sums.h"

#include <string.h>

#define COLUMNS "node, sig, state, sum, entropy, seq, due, since, attempts"

static void
read_columns(sqlite3_stmt *stmt, struct sum *sum)
{
	const void *raw = sqlite3_column_blob(stmt, 3);

	sum->node = sqlite3_column_int64(stmt, 0);
	sum->sig = sqlite3_column_int64(stmt, 1);
	sum->state = (enum content_state)sqlite3_column_int(stmt, 2);
	if ((unsigned)sum->state >= CONTENT_STATE_MAX)
		sum->state = CONTENT_UNAVAILABLE;
	sum->known =
	    raw != NULL && sqlite3_column_bytes(stmt, 3) == (int)sizeof(sum->raw);
	if (sum->known)
		memcpy(sum->raw, raw, sizeof(sum->raw));
	sum->entropy = sqlite3_column_int(stmt, 4);
	sum->seq = (uint64_t)sqlite3_column_int64(stmt, 5);
	sum->wanted = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
	sum->due = sqlite3_column_int64(stmt, 6);
	sum->since = sqlite3_column_int64(stmt, 7);
	sum->attempts = sqlite3_column_int64(stmt, 8);
}

static bool
one_row(struct state *state, sqlite3_stmt *stmt, struct sum *sum)
{
	if (!sql_row(state_sql(state), stmt))
		return false;
	read_columns(stmt, sum);
	sqlite3_reset(stmt);
	return true;
}

static int64_t
one_number(struct state *state, const char *text, int64_t dflt)
{
	return sql_number(state_sql(state), state_stmt(state, text), dflt);
}

bool
sums_get(struct state *state, int64_t node, struct sum *sum)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "SELECT " COLUMNS " FROM content WHERE node = ?1");

	memset(sum, 0, sizeof(*sum));
	sum->node = node;
	sum->entropy = -1;
	sqlite3_bind_int64(stmt, 1, node);
	return one_row(state, stmt, sum);
}

void
sums_put(struct state *state, const struct sum *sum)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "INSERT INTO content(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	    " ON CONFLICT(node) DO UPDATE SET sig = ?2, state = ?3, sum = ?4,"
	    " entropy = ?5, seq = ?6, due = ?7, since = ?8, attempts = ?9");

	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, sum->node);
	sqlite3_bind_int64(stmt, 2, sum->sig);
	sqlite3_bind_int(stmt, 3, sum->state);
	if (sum->known)
		sqlite3_bind_blob(
		    stmt, 4, sum->raw, (int)sizeof(sum->raw), SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, 4);
	sqlite3_bind_int(stmt, 5, sum->entropy);
	sqlite3_bind_int64(stmt, 6, (int64_t)sum->seq);
	if (sum->wanted) {
		sqlite3_bind_int64(stmt, 7, sum->due);
		sqlite3_bind_int64(stmt, 8, sum->since);
	} else {
		sqlite3_bind_null(stmt, 7);
		sqlite3_bind_null(stmt, 8);
	}
	sqlite3_bind_int64(stmt, 9, sum->attempts);
	sql_run(state_sql(state), stmt);
}

bool
sums_next(struct state *state, int64_t now, struct sum *sum)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "SELECT " COLUMNS " FROM content WHERE due <= ?1 ORDER BY due LIMIT 1");

	sqlite3_bind_int64(stmt, 1, now);
	return one_row(state, stmt, sum);
}

int64_t
sums_next_due(struct state *state)
{
	return one_number(
	    state, "SELECT min(due) FROM content WHERE due IS NOT NULL", -1);
}

int64_t
sums_count_wanted(struct state *state)
{
	return one_number(state, "SELECT count(*) FROM content WHERE due IS NOT NULL", 0);
}

static void
run_at(struct state *state, sqlite3_stmt *stmt, int64_t now)
{
	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 1, now);
	sql_run(state_sql(state), stmt);
}

void
sums_restart(struct state *state, int64_t now)
{
	run_at(state,
	    state_stmt(
		state, "UPDATE content SET due = ?1, since = ?1 WHERE due IS NOT NULL"),
	    now);
	run_at(state,
	    state_stmt(state,
		"UPDATE delivered SET due = ?1, blocked_on = NULL"
		" WHERE blocked_on IS NOT NULL AND blocked_on = node"),
	    now);
}

void
sums_drop_wanted(struct state *state)
{
	sql_begin(state_sql(state));
	sql_run(state_sql(state),
	    state_stmt(state, "UPDATE content SET due = NULL WHERE due IS NOT NULL"));
}
