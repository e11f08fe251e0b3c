/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/sql.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "unit.h"

static char dir[] = "/tmp/filemon-sql.XXXXXX";
static char path[PATH_MAX];
static int log_fd;
static bool damaged;

static void
enter(void)
{
	int fds[2];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/db", dir);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	log_init(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	log_set_fd(fds[1]);
	log_fd = fds[0];
}

static void
leave(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	for (size_t i = 0; i < COUNTOF(ends); i++) {
		char name[PATH_MAX + 16];
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
lines_logged(void)
{
	char line[9000];
	int n = 0;
	while (recv(log_fd, line, sizeof(line), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static struct sql *
opened(void)
{
	struct sql *s = sql_open(path, 256, true, &damaged);
	ck_assert_ptr_nonnull(s);
	ck_assert(!damaged);
	return s;
}

static int
number(struct sql *s, const char *text)
{
	sqlite3_stmt *stmt = sql_prepare(s, text);
	ck_assert(sql_row(s, stmt));
	int n = sqlite3_column_int(stmt, 0);
	ck_assert(!sql_row(s, stmt));
	sqlite3_finalize(stmt);
	return n;
}

static bool
is_text(struct sql *s, const char *text, const char *want)
{
	sqlite3_stmt *stmt = sql_prepare(s, text);
	ck_assert(sql_row(s, stmt));
	bool same = strcmp((const char *)sqlite3_column_text(stmt, 0), want) == 0;
	sqlite3_finalize(stmt);
	return same;
}

START_TEST(a_database_is_opened_as_promised)
{
	enter();
	struct sql *s = opened();
	ck_assert(is_text(s, "PRAGMA journal_mode", "wal"));
	ck_assert_int_eq(number(s, "PRAGMA synchronous"), 1);
	ck_assert_int_eq(number(s, "PRAGMA cache_size"), -256);
	ck_assert_int_eq(number(s, "PRAGMA temp_store"), 2);
	ck_assert_int_eq(number(s, "PRAGMA foreign_keys"), 0);
	ck_assert_int_eq(number(s, "PRAGMA mmap_size"), 0);
	ck_assert(!sql_failed(s));
	sql_close(s);
	sql_close(NULL);
	leave();
}
END_TEST

START_TEST(a_temporary_one_and_one_in_memory_work_too)
{
	static const char *const names[] = { "", ":memory:" };
	enter();
	for (size_t i = 0; i < COUNTOF(names); i++) {
		struct sql *s = sql_open(names[i], 64, true, NULL);
		ck_assert_ptr_nonnull(s);
		ck_assert_int_eq(
		    sql_exec(s, "CREATE TABLE t (a); INSERT INTO t VALUES (7)"), 0);
		ck_assert_int_eq(number(s, "SELECT a FROM t"), 7);
		sql_close(s);
	}
	leave();
}
END_TEST

START_TEST(rows_come_and_the_statement_can_run_again)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a)"), 0);
	sqlite3_stmt *insert = sql_prepare(s, "INSERT INTO t VALUES (?1) RETURNING a");
	for (int i = 0; i < 3; i++) {
		sqlite3_bind_int(insert, 1, i);
		ck_assert_int_eq(sql_run(s, insert), 0);
	}
	sqlite3_stmt *select = sql_prepare(s, "SELECT a FROM t ORDER BY a");
	for (int round = 0; round < 2; round++) {
		int n = 0;
		while (sql_row(s, select))
			ck_assert_int_eq(sqlite3_column_int(select, 0), n++);
		ck_assert_int_eq(n, 3);
	}
	sql_close(s); /* finalizes them: a sanitizer would tell */
	leave();
}
END_TEST

START_TEST(what_is_synced_needs_no_transaction_and_no_file)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a)"), 0);
	ck_assert_int_eq(sql_sync(s), 0);
	sql_close(s);
	s = sql_open("", 64, true, NULL);
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a)"), 0);
	ck_assert_int_eq(sql_sync(s), 0);
	ck_assert(!sql_failed(s));
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_transaction_is_begun_once_and_ends)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a)"), 0);
	ck_assert_int_eq(sql_commit(s), 0);
	ck_assert(!sql_in_transaction(s));
	ck_assert_int_eq(sql_begin(s), 0);
	ck_assert_int_eq(sql_begin(s), 0);
	ck_assert(sql_in_transaction(s));
	ck_assert_int_eq(sql_exec(s, "INSERT INTO t VALUES (1)"), 0);
	ck_assert_int_eq(sql_commit(s), 0);
	ck_assert(!sql_in_transaction(s));
	ck_assert_int_eq(sql_begin(s), 0);
	ck_assert_int_eq(sql_exec(s, "INSERT INTO t VALUES (2)"), 0);
	sql_close(s);
	s = opened();
	ck_assert_int_eq(number(s, "SELECT count(*) FROM t"), 1);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_failed_commit_is_rolled_back)
{
	enter();
	struct sql *s = opened();
	/* A deferred constraint fails at COMMIT, and leaves the transaction open. */
	ck_assert_int_eq(
	    sql_exec(s,
		"PRAGMA foreign_keys = ON; CREATE TABLE p (a PRIMARY KEY);"
		"CREATE TABLE c (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)"),
	    0);
	ck_assert_int_eq(sql_begin(s), 0);
	ck_assert_int_eq(sql_exec(s, "INSERT INTO c VALUES (1)"), 0);
	ck_assert_int_eq(sql_commit(s), -1);
	ck_assert(!sql_in_transaction(s));
	ck_assert(sql_failed(s));
	ck_assert_int_eq(number(s, "SELECT count(*) FROM c"), 0);
	sql_close(s);
	leave();
}
END_TEST

/* Some 140 pages. */
static struct sql *
opened_with_rows(int rows, int cache_kib)
{
	char text[128];
	struct sql *s = sql_open(path, cache_kib, true, &damaged);
	ck_assert_ptr_nonnull(s);
	snprintf(text, sizeof(text),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
	    "INSERT INTO t SELECT i, 0, zeroblob(500) FROM n",
	    rows);
	ck_assert_int_eq(
	    sql_exec(s, "CREATE TABLE t (i INTEGER PRIMARY KEY, n, text)"), 0);
	ck_assert_int_eq(sql_exec(s, text), 0);
	return s;
}

/* Counts up rows from first on. */
static int
count_up(struct sql *s, int first, int rows)
{
	char text[128];
	snprintf(text, sizeof(text), "UPDATE t SET n = n + 1 WHERE i > %d AND i <= %d",
	    first, first + rows);
	return sql_begin(s) == -1 ? -1 : sql_exec(s, text);
}

static void
copy(const char *from, const char *to)
{
	size_t len;
	char *text = fd_read_file(from, 64 << 20, &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(fd_write_atomic(to, text, len, 0600), 0);
	free(text);
}

/* What would be read by the next process if this one were killed now. */
static int
sum_after_a_kill(void)
{
	char wal[PATH_MAX + 8], as[PATH_MAX + 8], as_wal[PATH_MAX + 16];
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(as, sizeof(as), "%s.as", path);
	snprintf(as_wal, sizeof(as_wal), "%s-wal", as);
	copy(path, as);
	copy(wal, as_wal);
	struct sql *s = sql_open(as, 256, true, &damaged);
	ck_assert_ptr_nonnull(s);
	int sum = number(s, "SELECT sum(n) FROM t");
	sql_close(s);
	unlink(as);
	unlink(as_wal);
	return sum;
}

START_TEST(what_is_committed_is_in_the_file)
{
	int sum = 0;
	enter();
	struct sql *s = opened_with_rows(1000, 16);
	for (int i = 0; i < 40; i++) {
		int rows = i % 4 == 0 ? 900 : 1 + i * 7 % 50;
		ck_assert_int_eq(count_up(s, i, rows), 0);
		/* Pages that went to the log already are written anew. */
		ck_assert_int_eq(count_up(s, i, rows), 0);
		ck_assert_int_eq(number(s, "SELECT sum(n) FROM t"), sum + 2 * rows);
		ck_assert_int_eq(sum_after_a_kill(), sum);
		if (i % 3 == 2) {
			ck_assert_int_eq(sql_exec(s, "ROLLBACK"), 0);
		} else {
			ck_assert_int_eq(sql_commit(s), 0);
			sum += 2 * rows;
		}
		ck_assert_int_eq(number(s, "SELECT sum(n) FROM t"), sum);
		ck_assert_int_eq(sum_after_a_kill(), sum);
	}
	sql_close(s);
	leave();
}
END_TEST

/* Calls that write, of this process. */
static long
writes(void)
{
	size_t len;
	char *text = fd_read_file("/proc/self/io", 4096, &len);
	const char *at = text ? strstr(text, "syscw: ") : NULL;
	long n = at ? strtol(at + 7, NULL, 10) : -1;
	free(text);
	return n;
}

START_TEST(a_small_transaction_is_one_write)
{
	enter();
	struct sql *s = opened_with_rows(1000, 4096);
	for (int i = 0; i < 3; i++) {
		/* An assertion writes, too. */
		long before = writes();
		int failed = count_up(s, 0, 1) | count_up(s, 500, 1) | sql_commit(s);
		long after = writes();
		ck_assert_int_eq(failed, 0);
		if (before != -1)
			ck_assert_int_eq(after - before, 1);
	}
	sql_close(s);
	leave();
}
END_TEST

START_TEST(what_cannot_be_written_is_rolled_back)
{
	struct rlimit limit, before;
	struct stat st;
	char wal[PATH_MAX + 8];
	enter();
	struct sql *s = opened_with_rows(1000, 16);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	/* The log is written from its beginning again, or on: it may not grow. */
	for (int rows = 1; rows < 1000; rows = rows * 3 + 1) {
		ck_assert_int_eq(sql_exec(s, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
		limit = (struct rlimit){ 6000, before.rlim_max };
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		ck_assert(count_up(s, 0, rows + 20) == -1 || sql_commit(s) == -1);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		ck_assert(sql_failed(s));
		sql_clear(s);
		if (sql_in_transaction(s))
			ck_assert_int_eq(sql_exec(s, "ROLLBACK"), 0);
		ck_assert_int_eq(number(s, "SELECT sum(n) FROM t"), 0);
		ck_assert_int_eq(sum_after_a_kill(), 0);
	}
	ck_assert_int_eq(count_up(s, 0, 1000), 0);
	ck_assert_int_eq(sql_commit(s), 0);
	ck_assert_int_eq(sum_after_a_kill(), 1000);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_failure_is_told_once_with_the_statement_and_kept)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "SELECT a\n\t FROM  nowhere"), -1);
	ck_assert(sql_failed(s));
	ck_assert_str_eq(sql_error(s), "SELECT a FROM nowhere: no such table: nowhere");
	ck_assert_int_eq(lines_logged(), 1);
	ck_assert_ptr_null(sql_prepare(s, "SELECT b FROM elsewhere"));
	ck_assert_int_eq(sql_run(s, NULL), -1);
	ck_assert(!sql_row(s, NULL));
	ck_assert_int_eq(lines_logged(), 0);
	ck_assert_str_eq(sql_error(s), "SELECT a FROM nowhere: no such table: nowhere");
	sql_clear(s);
	ck_assert(!sql_failed(s));
	ck_assert_str_eq(sql_error(s), "");
	ck_assert_int_eq(sql_exec(s, "SELECT c FROM nowhere"), -1);
	ck_assert_int_eq(lines_logged(), 1);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_statement_that_fails_can_run_again)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a UNIQUE)"), 0);
	sqlite3_stmt *insert = sql_prepare(s, "INSERT INTO t VALUES (?1)");
	sqlite3_bind_int(insert, 1, 1);
	ck_assert_int_eq(sql_run(s, insert), 0);
	ck_assert_int_eq(sql_run(s, insert), -1);
	ck_assert(!sql_row(s, insert));
	sqlite3_bind_int(insert, 1, 2);
	ck_assert_int_eq(sql_run(s, insert), 0);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(migrations_run_from_where_the_file_is)
{
	static const char *const steps[] = { "CREATE TABLE a (x); CREATE TABLE b (x)",
		"INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)" };
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_migrate(s, steps, 0), 0);
	ck_assert_int_eq(sql_migrate(s, steps, 2), 0);
	ck_assert_int_eq(number(s, "PRAGMA user_version"), 2);
	ck_assert_int_eq(sql_migrate(s, steps, 3), 0);
	ck_assert_int_eq(sql_migrate(s, steps, 3), 0);
	ck_assert_int_eq(number(s, "SELECT group_concat(x, '') FROM a"), 12);
	ck_assert_int_eq(sql_migrate(s, steps, 2), -1);
	ck_assert(sql_failed(s));
	ck_assert_int_eq(number(s, "PRAGMA user_version"), 3);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_migration_that_fails_leaves_nothing_of_itself)
{
	static const char *const steps[] = { "CREATE TABLE a (x)",
		"CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)" };
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_migrate(s, steps, 2), -1);
	ck_assert(!sql_in_transaction(s));
	ck_assert_int_eq(number(s, "PRAGMA user_version"), 1);
	ck_assert_int_eq(number(s, "SELECT count(*) FROM sqlite_master"), 1);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_file_that_is_no_database_is_damaged)
{
	static char junk[8192];
	enter();
	memset(junk, 'j', sizeof(junk));
	ck_assert_int_eq(fd_write_atomic(path, junk, sizeof(junk), 0600), 0);
	ck_assert_ptr_null(sql_open(path, 64, true, &damaged));
	ck_assert(damaged);
	ck_assert_int_eq(lines_logged(), 1);
	ck_assert_ptr_null(sql_open(path, 64, false, NULL));
	leave();
}
END_TEST

/* Which SQLite calls an error of the text that it was to run. */
START_TEST(a_file_of_an_unknown_format_is_damaged)
{
	static const char format[] = { 0, 0, 0, 77 };
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s, "CREATE TABLE t (a)"), 0);
	sql_close(s);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, format, sizeof(format), 44), sizeof(format));
	close(fd);
	ck_assert_ptr_null(sql_open(path, 64, true, &damaged));
	ck_assert(damaged);
	leave();
}
END_TEST

static void
overwrite_page(int page)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	memset(junk, 'j', sizeof(junk));
	ck_assert_int_eq(
	    pwrite(fd, junk, sizeof(junk), (off_t)page * 4096), sizeof(junk));
	close(fd);
}

START_TEST(a_page_that_is_overwritten_is_found_by_the_check)
{
	enter();
	struct sql *s = opened();
	ck_assert_int_eq(sql_exec(s,
			     "PRAGMA page_size; CREATE TABLE t (a);"
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
			     "FROM n WHERE i<5000) INSERT INTO t SELECT i FROM n"),
	    0);
	sql_close(s);
	overwrite_page(3);
	ck_assert_ptr_null(sql_open(path, 64, true, &damaged));
	ck_assert(damaged);
	s = sql_open(path, 64, false, &damaged);
	ck_assert_ptr_nonnull(s);
	sql_close(s);
	leave();
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_no_damage)
{
	enter();
	strncat(path, "/none/db", sizeof(path) - strlen(path) - 1);
	damaged = true;
	ck_assert_ptr_null(sql_open(path, 64, true, &damaged));
	ck_assert(!damaged);
	ck_assert_int_eq(lines_logged(), 1);
	leave();
}
END_TEST

UNIT_MAIN("sql", a_database_is_opened_as_promised,
    a_temporary_one_and_one_in_memory_work_too, rows_come_and_the_statement_can_run_again,
    what_is_synced_needs_no_transaction_and_no_file, a_transaction_is_begun_once_and_ends,
    a_failed_commit_is_rolled_back, what_is_committed_is_in_the_file,
    a_small_transaction_is_one_write, what_cannot_be_written_is_rolled_back,
    a_failure_is_told_once_with_the_statement_and_kept,
    a_statement_that_fails_can_run_again, migrations_run_from_where_the_file_is,
    a_migration_that_fails_leaves_nothing_of_itself,
    a_file_that_is_no_database_is_damaged, a_file_of_an_unknown_format_is_damaged,
    a_page_that_is_overwritten_is_found_by_the_check,
    a_folder_that_is_not_there_is_no_damage)
