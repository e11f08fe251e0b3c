/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_SQL_H
#define FILEMON_BASE_SQL_H

/*
 * The few calls of SQLite that are used, with one answer to failure: an error
 * is logged once, by the first caller, with the statement's name, and kept:
 * sql_failed() tells, until sql_clear().  No function here ends the process.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql;

/*
 * path "" is a private temporary database, ":memory:" one in memory.  The file
 * is locked for as long as it is open: one process has it.  WAL,
 * synchronous=NORMAL, cache_kib of page cache, no mmap, temp_store memory,
 * foreign keys off.  quick_check is run where check is set.
 * NULL with errno-like meaning in *damaged: true where the file is not a
 * sound database (the caller moves it aside), false for other failures.
 */
struct sql *sql_open(const char *path, int cache_kib, bool check, bool *damaged);
void sql_close(struct sql *);
sqlite3 *sql_handle(struct sql *);

/*
 * Brings PRAGMA user_version from what it is to n by running migrations[i]
 * (one text with several statements) each in a transaction; -1 on failure or
 * where the file is newer than this program knows (n < its version).
 */
int sql_migrate(struct sql *, const char *const *migrations, int n);

/* Prepared once and kept (SQLITE_PREPARE_PERSISTENT); finalized by sql_close. */
sqlite3_stmt *sql_prepare(struct sql *, const char *text);
/* true for a row; false at the end or on failure, and then the statement is reset. */
bool sql_row(struct sql *, sqlite3_stmt *);
/* The first column of the first row, and the statement is reset; dflt where there is
   no row, or NULL in it. */
int64_t sql_number(struct sql *, sqlite3_stmt *, int64_t dflt);
/* Runs to its end and resets; 0, or -1 on failure. */
int sql_run(struct sql *, sqlite3_stmt *);
int sql_exec(struct sql *, const char *text);

/* Begins a transaction if none is open (BEGIN IMMEDIATE); cheap to repeat. */
int sql_begin(struct sql *);
/* Commits if one is open; on failure rolls back and returns -1. */
int sql_commit(struct sql *);
/* What is committed outlasts a power cut from now on; -1 where that is not sure. */
int sql_sync(struct sql *);
bool sql_in_transaction(const struct sql *);
/* Frees the page cache: what is read again is read from the file. */
void sql_give_back(struct sql *);

bool sql_failed(const struct sql *);
/* Something said that the file is no sound database; stays. */
bool sql_damaged(const struct sql *);
void sql_clear(struct sql *);
const char *sql_error(const struct sql *);

#endif
