/* SPDX-License-Identifier: ISC */
#include "base/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/walfile.h"
#include "base/xmalloc.h"

struct sql {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *begin, *commit; /* NULL: not prepared yet */
	bool failed, damaged;
	char error[256];
};

static const char *
shown_path(const struct sql *s)
{
	return *s->path ? s->path : "temporary database";
}

/* The name of a statement in messages: its text, on one line, as far as it fits. */
static void
name_of(const char *text, char *out, size_t size)
{
	size_t n = 0;
	for (; *text && n + 1 < size; text++) {
		bool space = *text == ' ' || *text == '\n' || *text == '\t';
		if (!space)
			out[n++] = *text;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	out[n] = '\0';
}

static void
note(struct sql *s, const char *text, const char *why)
{
	char name[80];
	if (s->failed)
		return;
	name_of(text, name, sizeof(name));
	s->failed = true;
	snprintf(s->error, sizeof(s->error), "%s: %s", name, why);
	log_errorx("%s: %s", shown_path(s), s->error);
}

static bool
is_damage(int code)
{
	return (code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT;
}

static int
fail(struct sql *s, const char *text)
{
	s->damaged = s->damaged || is_damage(sqlite3_errcode(s->db));
	note(s, text, sqlite3_errmsg(s->db));
	return -1;
}

/* Our own texts make sense to SQLite; where one does not, the schema is another, or
   the file's format. */
static int
fail_to_compile(struct sql *s, const char *text)
{
	s->damaged = s->damaged || sqlite3_errcode(s->db) == SQLITE_ERROR;
	return fail(s, text);
}

int
sql_exec(struct sql *s, const char *text)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK
	    ? 0
	    : fail_to_compile(s, text);
}

static int
set_up(struct sql *s, int cache_kib)
{
	char cache[64];
	snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%d", cache_kib);
	sqlite3_extended_result_codes(s->db, 1);
	/* Another reader, at most; more than that and it is an error to be told. */
	sqlite3_busy_timeout(s->db, 250);
	/* Nobody else opens it: a lock taken once instead of at each statement. */
	if (sql_exec(s, "PRAGMA locking_mode = EXCLUSIVE") == -1 ||
	    sql_exec(s, "PRAGMA mmap_size = 0") == -1 || sql_exec(s, cache) == -1 ||
	    sql_exec(s, "PRAGMA temp_store = MEMORY") == -1 ||
	    sql_exec(s, "PRAGMA foreign_keys = OFF") == -1)
		return -1;
	/* A temporary or in-memory database has no WAL, and says so without failing. */
	if (sql_exec(s, "PRAGMA journal_mode = WAL") == -1)
		return -1;
	return sql_exec(s, "PRAGMA synchronous = NORMAL");
}

static int
quick_check(struct sql *s, bool *damaged)
{
	static const char text[] = "PRAGMA quick_check(1)";
	int ret = -1;
	sqlite3_stmt *stmt = sql_prepare(s, text);
	if (stmt && sql_row(s, stmt)) {
		const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
		if (verdict && strcmp(verdict, "ok") == 0)
			ret = 0;
		else {
			*damaged = true;
			note(s, text, verdict ? verdict : "no answer");
		}
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* One thread in each process that uses this: locks and counts in SQLite's
   memory would be a tenth of what a statement takes. */
static void
configure(void)
{
	static bool done;
	if (done)
		return;
	done = true;
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct sql *
sql_open(const char *path, int cache_kib, bool check, bool *damaged)
{
	const int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	bool bad = false;
	struct sql *s = xcalloc(1, sizeof(*s));
	configure();
	s->path = xstrdup(path);
	if (sqlite3_open_v2(path, &s->db, flags, walfile_vfs()) != SQLITE_OK) {
		fail(s, "open");
		goto failed;
	}
	if (set_up(s, cache_kib) == 0 && (!check || quick_check(s, &bad) == 0)) {
		if (damaged)
			*damaged = false;
		return s;
	}
failed:
	if (damaged)
		*damaged = bad || s->damaged;
	sql_close(s);
	return NULL;
}

void
sql_close(struct sql *s)
{
	sqlite3_stmt *stmt;
	if (!s)
		return;
	while (s->db && (stmt = sqlite3_next_stmt(s->db, NULL)))
		sqlite3_finalize(stmt);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

sqlite3 *
sql_handle(struct sql *s)
{
	return s->db;
}

static int
user_version(struct sql *s)
{
	int version = -1;
	sqlite3_stmt *stmt = sql_prepare(s, "PRAGMA user_version");
	if (stmt && sql_row(s, stmt))
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

/* user_version is in the file's header and goes with the transaction. */
static int
migrate_to(struct sql *s, const char *text, int version)
{
	char pragma[64];
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version);
	if (sql_begin(s) == -1)
		return -1;
	if (sql_exec(s, text) == -1 || sql_exec(s, pragma) == -1) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return sql_commit(s);
}

int
sql_migrate(struct sql *s, const char *const *migrations, int n)
{
	char why[96];
	int version = user_version(s);
	if (version < 0)
		return -1;
	if (version > n) {
		snprintf(why, sizeof(why),
		    "version %d is of a newer filemon (this one knows %d)", version, n);
		note(s, "schema", why);
		return -1;
	}
	for (; version < n; version++) {
		if (migrate_to(s, migrations[version], version + 1) == -1)
			return -1;
	}
	return 0;
}

sqlite3_stmt *
sql_prepare(struct sql *s, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
	    SQLITE_OK)
		fail_to_compile(s, text);
	return stmt;
}

/* A statement that could not be prepared has failed already, and is NULL. */
bool
sql_row(struct sql *s, sqlite3_stmt *stmt)
{
	int rc = stmt ? sqlite3_step(stmt) : SQLITE_DONE;
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		fail(s, sqlite3_sql(stmt));
	sqlite3_reset(stmt);
	return false;
}

int64_t
sql_number(struct sql *s, sqlite3_stmt *stmt, int64_t dflt)
{
	int64_t value = dflt;

	if (!sql_row(s, stmt))
		return dflt;
	if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return value;
}

int
sql_run(struct sql *s, sqlite3_stmt *stmt)
{
	int rc;
	if (!stmt)
		return -1;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		;
	int ret = rc == SQLITE_DONE ? 0 : fail(s, sqlite3_sql(stmt));
	sqlite3_reset(stmt);
	return ret;
}

static int
run_kept(struct sql *s, sqlite3_stmt **stmt, const char *text)
{
	if (!*stmt)
		*stmt = sql_prepare(s, text);
	return sql_run(s, *stmt);
}

int
sql_begin(struct sql *s)
{
	return sql_in_transaction(s) ? 0 : run_kept(s, &s->begin, "BEGIN IMMEDIATE");
}

int
sql_commit(struct sql *s)
{
	if (!sql_in_transaction(s))
		return 0;
	if (run_kept(s, &s->commit, "COMMIT") == 0)
		return 0;
	/* Some failures (SQLITE_FULL, SQLITE_IOERR) have rolled back already. */
	if (sql_in_transaction(s))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* NORMAL syncs the WAL at checkpoints only; this is what FULL adds, when asked. */
int
sql_sync(struct sql *s)
{
	sqlite3_file *wal = NULL;
	int rc = sqlite3_file_control(
	    s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&wal);
	if (rc != SQLITE_OK || !wal || !wal->pMethods)
		return 0; /* a temporary database has no file to be synced */
	if (wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK)
		return 0;
	note(s, "sync", strerror(errno));
	return -1;
}

bool
sql_in_transaction(const struct sql *s)
{
	return !sqlite3_get_autocommit(s->db);
}

void
sql_give_back(struct sql *s)
{
	sqlite3_db_release_memory(s->db);
}

bool
sql_failed(const struct sql *s)
{
	return s->failed;
}

bool
sql_damaged(const struct sql *s)
{
	return s->damaged;
}

void
sql_clear(struct sql *s)
{
	s->failed = false;
	s->error[0] = '\0';
}

const char *
sql_error(const struct sql *s)
{
	return s->error;
}
