/* SPDX-License-Identifier: ISC */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "state/cut.h"
#include "state/recent.h"
#include "state/sig.h"

/*
 * Format.  node: a row a path; type, size ... are the signature (sig.h) last
 * seen.  delivered: a row for each handler and path it was told of or has to
 * be told of.  failure: why a delivery failed last, apart because it is long.
 * held: records that the event log does not have yet (held.h).
 * Partial indices hold only what is pending, dead, blocked or unsure, so an
 * unchanged tree costs them nothing.
 */
static const char *const migrations[] = {
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE handler(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" digest INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE node(id INTEGER PRIMARY KEY, parent INTEGER NOT NULL,"
	" name BLOB NOT NULL, type INTEGER NOT NULL, gone INTEGER NOT NULL,"
	" unsure INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL,"
	" mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, meta INTEGER NOT NULL,"
	" origin INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX node_name ON node(parent, name);"
	"CREATE INDEX node_ino ON node(ino);"
	"CREATE INDEX node_unsure ON node(id) WHERE unsure = 1;"
	"CREATE TABLE delivered(handler INTEGER NOT NULL, node INTEGER NOT NULL,"
	" state INTEGER NOT NULL, sig INTEGER NOT NULL, tried INTEGER NOT NULL,"
	" due INTEGER, since INTEGER, attempts INTEGER NOT NULL, dead INTEGER NOT NULL,"
	" blocked_on INTEGER, PRIMARY KEY(handler, node)) WITHOUT ROWID;"
	"CREATE INDEX delivered_due ON delivered(handler, due, since)"
	" WHERE due IS NOT NULL;"
	"CREATE INDEX delivered_dead ON delivered(handler) WHERE dead = 1;"
	"CREATE INDEX delivered_blocked ON delivered(handler, blocked_on)"
	" WHERE blocked_on IS NOT NULL;"
	"CREATE TABLE failure(handler INTEGER NOT NULL, node INTEGER NOT NULL,"
	" at INTEGER NOT NULL, command TEXT NOT NULL, outcome TEXT NOT NULL,"
	" output BLOB, PRIMARY KEY(handler, node)) WITHOUT ROWID;",
	"CREATE TABLE held(window INTEGER NOT NULL, n INTEGER NOT NULL,"
	" root INTEGER NOT NULL, type TEXT NOT NULL, path BLOB NOT NULL,"
	" old_path BLOB, PRIMARY KEY(window, n)) WITHOUT ROWID;",
	/* What files hold (sums.h), and what was delivered of it (body.h). */
	"CREATE TABLE content(node INTEGER PRIMARY KEY, sig INTEGER NOT NULL,"
	" state INTEGER NOT NULL, sum BLOB, entropy INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, due INTEGER, since INTEGER, attempts INTEGER NOT NULL);"
	"CREATE INDEX content_due ON content(due) WHERE due IS NOT NULL;"
	"CREATE INDEX content_sum ON content(sum) WHERE sum IS NOT NULL;"
	"CREATE TRIGGER content_gone AFTER DELETE ON node BEGIN"
	" DELETE FROM content WHERE node = old.id; END;"
	"ALTER TABLE delivered ADD COLUMN sum BLOB;"
	"ALTER TABLE delivered ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE delivered ADD COLUMN meta INTEGER NOT NULL DEFAULT 0;",
	/* What a scan compares is in the index: rows that became known one by one
	   are all over the table.  That (parent, name) is there once is left to
	   who inserts. */
	"ALTER TABLE node ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;"
	"DROP INDEX node_name;"
	"CREATE INDEX node_name ON node(parent, name, mark);",
	("CREATE TABLE cut(handler INTEGER NOT NULL, node INTEGER NOT NULL,"
	 " n INTEGER NOT NULL, PRIMARY KEY(handler, node)) WITHOUT ROWID;"),
};

#define CONDEMNED_CACHE_KIB 64 /* only to begin the file that comes after */
#define STMT_SLOTS 128	       /* a power of two, well above the number of statements */

struct state {
	struct sql *sql;
	struct recent recent;
	struct state_hints hints;
	uint64_t arrivals;
	char *path;
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

/* Moves the file and what belongs to it aside; the log names the new one. */
static int
move_aside(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	int64_t stamp = clk_wall_ns() / 1000000000;

	for (size_t i = 0; i < COUNTOF(tails); i++) {
		char *from = xasprintf("%s%s", path, tails[i]);
		char *to =
		    xasprintf("%s.damaged-%lld%s", path, (long long)stamp, tails[i]);
		int rc = rename(from, to);

		if (i == 0 && rc == 0)
			log_warnx(
			    "state: %s is damaged: moved aside to %s (everything will be "
			    "delivered again; what was removed meanwhile is not known)",
			    path, to);
		free(from);
		free(to);
		if (i == 0 && rc == -1)
			return -1;
	}
	return 0;
}

/* SQLite gives what belongs to the file, the WAL, the file's own mode. */
static int
make_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int rc = fd == -1 ? -1 : fchmod(fd, 0600);

	if (rc == -1)
		log_error("state: %s", path);
	fd_close(&fd);
	return rc;
}

static struct sql *
open_checked(const char *path, int cache_kib, bool check, bool *damaged)
{
	bool temporary = *path == '\0';
	struct sql *sql = !temporary && make_private(path) == -1
	    ? NULL
	    : sql_open(path, cache_kib, check, damaged);

	if (sql != NULL && sql_migrate(sql, migrations, COUNTOF(migrations)) == 0)
		return sql;
	*damaged = *damaged || (sql != NULL && sql_damaged(sql));
	sql_close(sql);
	return NULL;
}

/* Begins a file in place of a damaged one, and has it say so. */
static struct sql *
begin_anew(const char *path, int cache_kib)
{
	bool damaged = false;
	struct sql *sql = open_checked(path, cache_kib, false, &damaged);

	if (sql != NULL)
		sql_exec(sql, "INSERT OR REPLACE INTO meta VALUES('rebuilt', '1')");
	return sql;
}

static struct sql *
open_sound(const char *path, int cache_kib)
{
	bool damaged = false;
	struct sql *sql = open_checked(path, cache_kib, true, &damaged);

	if (sql != NULL || !damaged || move_aside(path) == -1)
		return sql;
	return begin_anew(path, cache_kib);
}

struct state *
state_open(const char *path, int cache_kib)
{
	struct sql *sql = open_sound(path == NULL ? "" : path, cache_kib);
	struct state *state;
	char scanned[8], rebuilt[8];

	if (sql == NULL)
		return NULL;
	state = xcalloc(1, sizeof(*state));
	state->sql = sql;
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
	    move_aside(state->path) == -1)
		return false;
	sql_close(begin_anew(state->path, CONDEMNED_CACHE_KIB));
	return true;
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
