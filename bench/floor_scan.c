/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * floor_scan DIR DB: a bare walk by openat, getdents and fstatat, then the
 * reading of as many rows from DB.  DB is made first where it is not there;
 * that is not timed.
 */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/lab.h"

#define CACHE "PRAGMA cache_size = -512;"
#define MAKE \
	"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" \
	"CREATE TABLE node (parent INTEGER, name BLOB, type INTEGER, ino INTEGER," \
	" size INTEGER, mtime INTEGER, ctime INTEGER, PRIMARY KEY (parent, name))" \
	" WITHOUT ROWID;"
#define INSERT "INSERT INTO node VALUES (?1 / 100, printf('f%07d', ?1), 1, ?1, 1, ?2, ?2)"
#define SELECT "SELECT parent, name, type, ino, size, mtime, ctime FROM node"
#define STAMP INT64_C(1769867983416755123)

static unsigned long files, dirs;
static int64_t sum; /* of what was read, so that it is */

static void
walk(int at, const char *name)
{
	struct dirent *entry;
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);

	if (dir == NULL)
		err(1, "%s", name);
	dirs++;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			err(1, "%s", entry->d_name);
		sum += st.st_mtim.tv_nsec;
		if (S_ISDIR(st.st_mode))
			walk(fd, entry->d_name);
		else
			files++;
	}
	closedir(dir);
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		errx(1, "%s: %s", text, sqlite3_errmsg(db));
	return stmt;
}

static void
make(sqlite3 *db, unsigned long rows)
{
	sqlite3_stmt *insert;

	if (sqlite3_exec(db, MAKE, NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s", sqlite3_errmsg(db));
	insert = prepare(db, INSERT);
	for (unsigned long i = 0; i < rows; i++) {
		sqlite3_bind_int64(insert, 1, (int64_t)i);
		sqlite3_bind_int64(insert, 2, STAMP + (int64_t)i);
		if (sqlite3_step(insert) != SQLITE_DONE)
			errx(1, "%s", sqlite3_errmsg(db));
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s", sqlite3_errmsg(db));
}

static unsigned long
read_rows(sqlite3 *db)
{
	sqlite3_stmt *select = prepare(db, SELECT);
	unsigned long rows = 0;

	for (; sqlite3_step(select) == SQLITE_ROW; rows++)
		for (int i = 0; i < sqlite3_column_count(select); i++)
			sum += i == 1 ? sqlite3_column_bytes(select, i)
				      : sqlite3_column_int64(select, i);
	sqlite3_finalize(select);
	return rows;
}

static sqlite3 *
open_db(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, CACHE, NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(db));
	return db;
}

int
main(int argc, char **argv)
{
	int64_t from, walked, queried;
	unsigned long rows;
	sqlite3 *db;

	if (argc != 3)
		errx(64, "usage: floor_scan DIR DB");
	from = lab_now();
	walk(AT_FDCWD, argv[1]);
	walked = lab_now() - from;
	if (access(argv[2], F_OK) == -1) {
		db = open_db(argv[2]);
		make(db, files + dirs);
		sqlite3_close(db);
	}
	from = lab_now();
	db = open_db(argv[2]);
	rows = read_rows(db);
	queried = lab_now() - from;
	sqlite3_close(db);
	printf("{\"files\":%lu,\"dirs\":%lu,\"rows\":%lu,\"walk_ms\":%.3f,"
	       "\"read_ms\":%.3f,\"sum\":%lld}\n",
	    files, dirs, rows, (double)walked / 1e6, (double)queried / 1e6,
	    (long long)sum);
	return 0;
}
