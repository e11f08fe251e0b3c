/* SPDX-License-Identifier: ISC */
#include "state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "state/cut.h"
#include "state/dbfile.h"
#include "state/inplace.h"
#include "state/recent.h"
#include "state/sig.h"

#define STMT_SLOTS 128 /* a power of two, well above the number of statements */

struct state {
	struct sql *sql;
	struct recent recent;
	struct state_hints hints;
	uint64_t arrivals;
	int64_t last_node; /* the highest id that one had; -1: not known yet */
	char *path;
	struct inplace in_place;
	bool is_new;
	bool is_rebuilt;
	bool must_last;
	struct {
		const char *text;
		sqlite3_stmt *stmt;
	} stmts[STMT_SLOTS];
};

sqlite3_stmt *
state_stmt(struct state *state, const char *text)
{
	size_t slot = ((uintptr_t)text >> 3) & (STMT_SLOTS - 1);

	while (state->stmts[slot].text != NULL && state->stmts[slot].text != text)
		slot = (slot + 1) & (STMT_SLOTS - 1);
	if (state->stmts[slot].text == NULL) {
		state->stmts[slot].stmt = sql_prepare(state->sql, text);
		if (state->stmts[slot].stmt != NULL)
			state->stmts[slot].text = text;
	}
	return state->stmts[slot].stmt;
}

static void
meta_put(struct state *state, const char *key, const char *value)
{
	sqlite3_stmt *stmt =
	    state_stmt(state, "INSERT OR REPLACE INTO meta VALUES(?1, ?2)");

	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	sql_run(state->sql, stmt);
}

/* "" where there is none. */
static void
meta_get(struct state *state, const char *key, char *out, size_t size)
{
	sqlite3_stmt *stmt = state_stmt(state, "SELECT value FROM meta WHERE key = ?1");

	out[0] = '\0';
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (sql_row(state->sql, stmt)) {
		const char *value = (const char *)sqlite3_column_text(stmt, 0);
		snprintf(out, size, "%s", value == NULL ? "" : value);
		sqlite3_reset(stmt);
	}
}

/* CLOCK_MONOTONIC begins anew with every boot. */
static void
boot_id(char *out, size_t size)
{
	size_t len = 0;
	char *text = fd_read_file("/proc/sys/kernel/random/boot_id", 128, &len);

	snprintf(out, size, "%.*s", (int)strcspn(text == NULL ? "" : text, "\n"),
	    text == NULL ? "" : text);
	free(text);
}

void
state_release(struct state *state)
{
	sqlite3_stmt *stmt = state_stmt(
	    state, "UPDATE delivered SET due = ?1, blocked_on = NULL WHERE due >= ?2");

	sql_begin(state->sql);
	sqlite3_bind_int64(stmt, 1, clk_mono_ms());
	sqlite3_bind_int64(stmt, 2, STATE_DUE_RUNNING);
	sql_run(state->sql, stmt);
	/* They say "perhaps", and may be begun again without being written. */
	if (sqlite3_changes(sql_handle(state->sql)) > 0)
		state_must_last(state);
}

/* What a crash left running or blocked, or another boot left waiting, is due. */
static void
make_due(struct state *state)
{
	char now[64], before[64];
	sqlite3_stmt *stmt;

	boot_id(now, sizeof(now));
	meta_get(state, "boot", before, sizeof(before));
	if (strcmp(now, before) != 0) {
		stmt = state_stmt(state,
		    "UPDATE delivered SET due = iif(due < ?2, ?1, due), since = ?1"
		    " WHERE due IS NOT NULL");
		sqlite3_bind_int64(stmt, 1, clk_mono_ms());
		sqlite3_bind_int64(stmt, 2, STATE_DUE_RUNNING);
		sql_run(state->sql, stmt);
		meta_put(state, "boot", now);
	}
	cut_note(state, clk_mono_ms());
	state_release(state);
}

struct state *
state_open(const char *path, int cache_kib)
{
	struct sql *sql = dbfile_open(path == NULL ? "" : path, cache_kib);
	struct state *state;
	char scanned[8], rebuilt[8];

	if (sql == NULL)
		return NULL;
	state = xcalloc(1, sizeof(*state));
	state->sql = sql;
	state->last_node = -1;
	state->path = path == NULL ? NULL : xstrdup(path);
	sql_begin(sql);
	make_due(state);
	state_look_blocked(state);
	state_look_failed(state);
	state_look_cut(state);
	state_look_in_way(state);
	meta_get(state, "scanned", scanned, sizeof(scanned));
	state->is_new = scanned[0] == '\0';
	meta_get(state, "rebuilt", rebuilt, sizeof(rebuilt));
	state->is_rebuilt = state->is_new && rebuilt[0] != '\0';
	state_commit(state);
	if (path != NULL)
		inplace_note(&state->in_place, path);
	return state;
}

void
state_close(struct state *state)
{
	if (state == NULL)
		return;
	sql_commit(state->sql);
	sql_close(state->sql);
	free(state->path);
	free(state);
}

struct sql *
state_sql(struct state *state)
{
	return state->sql;
}

struct recent *
state_recent(struct state *state)
{
	return &state->recent;
}

uint64_t
state_arrivals(const struct state *state)
{
	return state->arrivals;
}

void
state_count_arrival(struct state *state)
{
	state->arrivals++;
}

int64_t
state_new_node(struct state *state)
{
	if (state->last_node < 0)
		state->last_node = sql_number(
		    state->sql, state_stmt(state, "SELECT max(id) FROM node"), -1);
	/* A damaged file may have any. */
	if (state->last_node < 0 || state->last_node >= INT64_MAX / 2)
		return 0;
	return ++state->last_node;
}

struct state_hints *
state_hints(struct state *state)
{
	return &state->hints;
}

void
state_look_blocked(struct state *state)
{
	state->hints.blocked =
	    sql_number(state->sql,
		state_stmt(state,
		    "SELECT 1 FROM delivered WHERE blocked_on IS NOT NULL LIMIT 1"),
		0) != 0;
}

void
state_look_failed(struct state *state)
{
	state->hints.failed =
	    sql_number(
		state->sql, state_stmt(state, "SELECT 1 FROM failure LIMIT 1"), 0) != 0;
}

void
state_look_in_way(struct state *state)
{
	sqlite3_stmt *stmt = state_stmt(state,
	    "SELECT 1 FROM delivered d CROSS JOIN node n ON n.id = d.node"
	    " WHERE d.due IS NOT NULL AND n.type = ?1 AND n.gone = 0 LIMIT 1");

	sqlite3_bind_int(stmt, 1, SIG_DIR);
	state->hints.in_way = sql_number(state->sql, stmt, 0) != 0;
}

void
state_look_cut(struct state *state)
{
	state->hints.cut = sql_number(state->sql,
			       state_stmt(state, "SELECT 1 FROM cut LIMIT 1"), 0) != 0;
}

bool
state_is_new(const struct state *state)
{
	return state->is_new;
}

bool
state_is_rebuilt(const struct state *state)
{
	return state->is_rebuilt;
}

void
state_set_scanned(struct state *state)
{
	if (!state->is_new)
		return;
	state->is_new = state->is_rebuilt = false;
	meta_put(state, "scanned", "1");
}

int64_t
state_seq(struct state *state)
{
	char text[32];

	meta_get(state, "seq", text, sizeof(text));
	return text[0] == '\0' ? -1 : strtoll(text, NULL, 10);
}

void
state_set_seq(struct state *state, int64_t seq)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)seq);
	sql_begin(state->sql);
	meta_put(state, "seq", text);
}

void
state_must_last(struct state *state)
{
	state->must_last = true;
}

static int
commit(struct state *state)
{
	int ret;

	/* A statement that failed (SQLITE_FULL, IOERR) may have rolled back what
	   came before it: nothing of this turn counts. */
	if (sql_failed(state->sql)) {
		if (sql_in_transaction(state->sql))
			sql_exec(state->sql, "ROLLBACK");
		return -1;
	}
	ret = sql_commit(state->sql);
	if (ret == 0 && state->must_last)
		ret = sql_sync(state->sql);
	state->must_last = state->must_last && ret == -1;
	return ret;
}

int
state_commit(struct state *state)
{
	int ret = commit(state);

	/* What was remembered of it may be undone. */
	if (ret == -1) {
		recent_clear(&state->recent);
		state->hints = (struct state_hints){ true, true, true, true };
	}
	return ret;
}

int
state_probe(struct state *state)
{
	char stamp[32];

	snprintf(stamp, sizeof(stamp), "%lld", (long long)clk_mono_ms());
	sql_clear(state->sql);
	if (sql_begin(state->sql) == -1)
		return -1;
	meta_put(state, "probe", stamp);
	return state_commit(state);
}

bool
state_condemn(struct state *state)
{
	if (!sql_damaged(state->sql) || state->path == NULL ||
	    dbfile_replace(state->path) == -1)
		return false;
	state->in_place = (struct inplace){ 0 }; /* which it is not, and is to stay so */
	return true;
}

bool
state_in_place(const struct state *state)
{
	return state->path == NULL || inplace_holds(&state->in_place, state->path);
}

int
state_restore(struct state *state)
{
	state_commit(state);
	return inplace_restore(state->sql, state->path);
}

bool
state_failing(const struct state *state)
{
	return sql_failed(state->sql);
}

const char *
state_error(const struct state *state)
{
	return sql_error(state->sql);
}

int64_t
state_bytes(const struct state *state)
{
	struct stat st;

	return state->path != NULL && stat(state->path, &st) == 0 ? st.st_size : 0;
}
