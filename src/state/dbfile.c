/* SPDX-License-Identifier: ISC */
#include "state/dbfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sql.h"
#include "base/xmalloc.h"

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
	"ALTER TABLE handler ADD COLUMN since INTEGER NOT NULL DEFAULT 0;",
};

#define CONDEMNED_CACHE_KIB 64 /* only to begin the file that comes after */

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

struct sql *
dbfile_open(const char *path, int cache_kib)
{
	bool damaged = false;
	struct sql *sql = open_checked(path, cache_kib, true, &damaged);

	if (sql != NULL || !damaged || move_aside(path) == -1)
		return sql;
	return begin_anew(path, cache_kib);
}

int
dbfile_replace(const char *path)
{
	if (move_aside(path) == -1)
		return -1;
	sql_close(begin_anew(path, CONDEMNED_CACHE_KIB));
	return 0;
}
