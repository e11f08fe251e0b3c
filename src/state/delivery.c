/* SPDX-License-Identifier: ISC */
#include "state/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "state/node.h"

#define COLUMNS \
	"handler, node, state, sig, tried, due, since, attempts, dead, blocked_on," \
	" sum, shape, meta"

static void
read_body(sqlite3_stmt *stmt, int at, struct body *body)
{
	const void *sum = sqlite3_column_blob(stmt, at);

	body->known =
	    sum != NULL && sqlite3_column_bytes(stmt, at) == (int)sizeof(body->sum);
	if (body->known)
		memcpy(body->sum, sum, sizeof(body->sum));
	body->shape = sqlite3_column_int64(stmt, at + 1);
	body->meta = sqlite3_column_int64(stmt, at + 2);
}

static void
bind_body(sqlite3_stmt *stmt, int at, const struct body *body)
{
	if (body->known)
		sqlite3_bind_blob(
		    stmt, at, body->sum, (int)sizeof(body->sum), SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
	sqlite3_bind_int64(stmt, at + 1, body->shape);
	sqlite3_bind_int64(stmt, at + 2, body->meta);
}

/* Of what makes no sense it is not known. */
static enum delivery_state
read_state(sqlite3_stmt *stmt, int at)
{
	int state = sqlite3_column_int(stmt, at);

	return state >= 0 && state < DELIVERY_STATE_COUNT ? (enum delivery_state)state
							  : DELIVERY_PERHAPS;
}

static void
read_columns(sqlite3_stmt *stmt, struct delivery *d)
{
	d->handler = sqlite3_column_int64(stmt, 0);
	d->node = sqlite3_column_int64(stmt, 1);
	d->state = read_state(stmt, 2);
	d->sig = sqlite3_column_int64(stmt, 3);
	d->tried = sqlite3_column_int64(stmt, 4);
	d->pending = sqlite3_column_type(stmt, 5) != SQLITE_NULL;
	d->due = sqlite3_column_int64(stmt, 5);
	d->since = sqlite3_column_int64(stmt, 6);
	d->attempts = sqlite3_column_int64(stmt, 7);
	d->dead = sqlite3_column_int(stmt, 8) != 0;
	d->blocked_on = sqlite3_column_int64(stmt, 9);
	read_body(stmt, 10, &d->body);
}

static bool
one_row(struct state *state, sqlite3_stmt *stmt, struct delivery *d)
{
	if (!sql_row(state_sql(state), stmt))
		return false;
	read_columns(stmt, d);
	sqlite3_reset(stmt);
	return true;
}

static sqlite3_stmt *
bound(struct state *state, const char *text, int64_t first, int64_t second)
{
	sqlite3_stmt *stmt = state_stmt(state, text);

	sqlite3_bind_int64(stmt, 1, first);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_int64(stmt, 2, second);
	return stmt;
}

bool
delivery_get(struct state *state, int64_t handler, int64_t node, struct delivery *d)
{
	sqlite3_stmt *stmt = bound(state,
	    "SELECT " COLUMNS " FROM delivered WHERE handler = ?1 AND node = ?2", handler,
	    node);

	memset(d, 0, sizeof(*d));
	d->handler = handler;
	d->node = node;
	return one_row(state, stmt, d);
}

void
delivery_put(struct state *state, const struct delivery *d)
{
	sqlite3_stmt *stmt = bound(state,
	    "INSERT INTO delivered(" COLUMNS
	    ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
	    " ON CONFLICT(handler, node) DO UPDATE SET state = ?3, sig = ?4, tried = ?5,"
	    " due = ?6, since = ?7, attempts = ?8, dead = ?9, blocked_on = ?10,"
	    " sum = ?11, shape = ?12, meta = ?13",
	    d->handler, d->node);

	if (d->blocked_on != 0)
		state_hints(state)->blocked = true;
	sql_begin(state_sql(state));
	sqlite3_bind_int(stmt, 3, d->state);
	sqlite3_bind_int64(stmt, 4, d->sig);
	sqlite3_bind_int64(stmt, 5, d->tried);
	if (d->pending) {
		sqlite3_bind_int64(stmt, 6, d->due);
		sqlite3_bind_int64(stmt, 7, d->since);
	} else {
		sqlite3_bind_null(stmt, 6);
		sqlite3_bind_null(stmt, 7);
	}
	sqlite3_bind_int64(stmt, 8, d->attempts);
	sqlite3_bind_int(stmt, 9, d->dead);
	if (d->blocked_on != 0)
		sqlite3_bind_int64(stmt, 10, d->blocked_on);
	else
		sqlite3_bind_null(stmt, 10);
	bind_body(stmt, 11, &d->body);
	sql_run(state_sql(state), stmt);
}

void
delivery_delete(struct state *state, int64_t handler, int64_t node)
{
	sql_begin(state_sql(state));
	sql_run(state_sql(state),
	    bound(state, "DELETE FROM delivered WHERE handler = ?1 AND node = ?2",
		handler, node));
	delivery_failure_clear(state, handler, node);
}

bool
delivery_any(struct state *state, int64_t node)
{
	return sql_number(state_sql(state),
		   bound(state,
		       "SELECT 1 FROM handler h JOIN delivered d"
		       " ON d.handler = h.id AND d.node = ?1 LIMIT 1",
		       node, 0),
		   0) != 0;
}

bool
delivery_next(struct state *state, int64_t handler, int64_t now, struct delivery *d)
{
	return one_row(state,
	    bound(state,
		"SELECT " COLUMNS " FROM delivered WHERE handler = ?1 AND due <= ?2"
		" ORDER BY due, since LIMIT 1",
		handler, now),
	    d);
}

int64_t
delivery_next_due(struct state *state, int64_t handler)
{
	return sql_number(state_sql(state),
	    bound(state,
		"SELECT due FROM delivered WHERE handler = ?1 AND due < ?2"
		" ORDER BY due LIMIT 1",
		handler, STATE_DUE_RUNNING),
	    -1);
}

bool
delivery_pending(struct state *state, int64_t handler)
{
	return sql_number(state_sql(state),
		   bound(state,
		       "SELECT 1 FROM delivered WHERE handler = ?1 AND due IS NOT NULL "
		       "LIMIT 1",
		       handler, 0),
		   0) != 0;
}

int64_t
delivery_count_pending(struct state *state, int64_t handler)
{
	return sql_number(state_sql(state),
	    bound(state,
		"SELECT count(*) FROM delivered WHERE handler = ?1 AND due IS NOT NULL",
		handler, 0),
	    0);
}

int64_t
delivery_count_dead(struct state *state, int64_t handler)
{
	return sql_number(state_sql(state),
	    bound(state, "SELECT count(*) FROM delivered WHERE handler = ?1 AND dead = 1",
		handler, 0),
	    0);
}

int64_t
delivery_oldest(struct state *state, int64_t handler)
{
	return sql_number(state_sql(state),
	    bound(state,
		"SELECT min(since) FROM delivered WHERE handler = ?1 AND due IS NOT NULL",
		handler, 0),
	    -1);
}

/* A look takes a sixth of what an UPDATE takes that finds nothing. */
static bool
blocks(struct state *state, int64_t handler, int64_t node)
{
	return state_hints(state)->blocked &&
	    sql_number(state_sql(state),
		bound(state,
		    "SELECT 1 FROM delivered WHERE handler = ?1 AND blocked_on = ?2"
		    " LIMIT 1",
		    handler, node),
		0) != 0;
}

void
delivery_unblock(struct state *state, int64_t handler, int64_t node, int64_t now)
{
	sqlite3_stmt *stmt;

	if (!blocks(state, handler, node))
		return;
	stmt = bound(state,
	    "UPDATE delivered SET due = ?3, blocked_on = NULL"
	    " WHERE handler = ?1 AND blocked_on = ?2",
	    handler, node);
	sqlite3_bind_int64(stmt, 3, now);
	sql_begin(state_sql(state));
	sql_run(state_sql(state), stmt);
	state_look_blocked(state);
}

static int64_t
child(struct state *state, int64_t handler, int64_t dir)
{
	/* The last by name: it is probably the last to be done, so that its
	   parent is looked at again only when all are. */
	return sql_number(state_sql(state),
	    bound(state,
		"SELECT c.id FROM node c CROSS JOIN delivered d"
		" ON d.handler = ?1 AND d.node = c.id"
		" WHERE c.parent = ?2 AND d.due IS NOT NULL"
		" AND (d.attempts = 0 OR d.tried = 0) ORDER BY c.name DESC LIMIT 1",
		handler, dir),
	    0);
}

/* Of the directories below that are gone, one with such a child. */
static int64_t
parent_below(struct state *state, int64_t handler, int64_t dir)
{
	/* UNION: rows of a damaged file may be each other's parents. */
	sqlite3_stmt *stmt = bound(state,
	    "WITH RECURSIVE below(id) AS (VALUES(?2) UNION"
	    " SELECT c.id FROM below b CROSS JOIN node c ON c.parent = b.id"
	    " WHERE c.gone = 1 AND c.type = ?3)"
	    " SELECT id FROM below WHERE EXISTS (SELECT 1 FROM node c"
	    " CROSS JOIN delivered d ON d.handler = ?1 AND d.node = c.id"
	    " WHERE c.parent = below.id AND d.due IS NOT NULL"
	    " AND (d.attempts = 0 OR d.tried = 0)) LIMIT 1",
	    handler, dir);

	sqlite3_bind_int(stmt, 3, SIG_DIR);
	return sql_number(state_sql(state), stmt, 0);
}

int64_t
delivery_below(struct state *state, int64_t handler, int64_t dir)
{
	int64_t first;

	/* Mostly it is a file, and was nothing else. */
	if (!node_has_children(state, dir))
		return 0;
	first = child(state, handler, dir);
	if (first == 0 && (dir = parent_below(state, handler, dir)) != 0)
		first = child(state, handler, dir);
	return first;
}

void
delivery_fail(struct state *state, int64_t handler, int64_t node,
    const struct delivery_failure *failure)
{
	sqlite3_stmt *stmt = bound(state,
	    "INSERT OR REPLACE INTO failure(handler, node, at, command, outcome, output)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	    handler, node);

	state_hints(state)->failed = true;
	sql_begin(state_sql(state));
	sqlite3_bind_int64(stmt, 3, failure->wall_ns);
	sqlite3_bind_text(stmt, 4, failure->command, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, failure->outcome, -1, SQLITE_STATIC);
	sqlite3_bind_blob(
	    stmt, 6, failure->output, (int)failure->output_len, SQLITE_STATIC);
	sql_run(state_sql(state), stmt);
}

/* Where the next text goes in a store that must not move any more. */
static const char *
keep(struct buf *store, const void *p, size_t len)
{
	const char *at = store->p + store->len;

	buf_add(store, p, len);
	buf_addc(store, '\0');
	return at;
}

bool
delivery_failure_get(struct state *state, int64_t handler, int64_t node,
    struct delivery_failure *failure, struct buf *store)
{
	sqlite3_stmt *stmt = bound(state,
	    "SELECT at, command, outcome, output FROM failure"
	    " WHERE handler = ?1 AND node = ?2",
	    handler, node);
	size_t sizes[3];

	if (!sql_row(state_sql(state), stmt))
		return false;
	for (int i = 0; i < 3; i++)
		sizes[i] = (size_t)sqlite3_column_bytes(stmt, i + 1);
	buf_reset(store);
	buf_reserve(store, sizes[0] + sizes[1] + sizes[2] + 4);
	failure->wall_ns = sqlite3_column_int64(stmt, 0);
	failure->command = keep(store, sqlite3_column_text(stmt, 1), sizes[0]);
	failure->outcome = keep(store, sqlite3_column_text(stmt, 2), sizes[1]);
	failure->output_len = sizes[2];
	failure->output = keep(store, sqlite3_column_blob(stmt, 3), sizes[2]);
	sqlite3_reset(stmt);
	return true;
}

void
delivery_failure_clear(struct state *state, int64_t handler, int64_t node)
{
	if (!state_hints(state)->failed)
		return;
	sql_begin(state_sql(state));
	sql_run(state_sql(state),
	    bound(state, "DELETE FROM failure WHERE handler = ?1 AND node = ?2", handler,
		node));
	if (sqlite3_changes(sql_handle(state_sql(state))) > 0)
		state_look_failed(state);
}

static void
each(struct state *state, sqlite3_stmt *stmt, int64_t limit, delivery_each_cb fn,
    void *ctx)
{
	struct delivery *rows = NULL;
	size_t n = 0, cap = 0;

	while ((limit <= 0 || (int64_t)n < limit) && sql_row(state_sql(state), stmt)) {
		if (n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			rows = xreallocarray(rows, cap, sizeof(*rows));
		}
		read_columns(stmt, &rows[n++]);
	}
	sqlite3_reset(stmt);
	for (size_t i = 0; i < n; i++)
		fn(ctx, &rows[i]);
	free(rows);
}

void
delivery_each_pending(
    struct state *state, int64_t handler, int64_t limit, delivery_each_cb fn, void *ctx)
{
	each(state,
	    bound(state,
		"SELECT " COLUMNS " FROM delivered WHERE handler = ?1 AND due IS NOT NULL"
		" ORDER BY due, since",
		handler, 0),
	    limit, fn, ctx);
}

void
delivery_each_dead(
    struct state *state, int64_t handler, int64_t limit, delivery_each_cb fn, void *ctx)
{
	each(state,
	    bound(state,
		"SELECT " COLUMNS " FROM delivered WHERE handler = ?1 AND dead = 1",
		handler, 0),
	    limit, fn, ctx);
}
