/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_DBFILE_H
#define FILEMON_STATE_DBFILE_H

/*
 * The file that state.db is: its tables and how older ones become the present
 * ones, who may read it, and what is done where it is damaged.  A damaged file is
 * never written to and never removed: it is moved aside, with its WAL, and the log
 * has its new name.  What the rows mean is in state.h and the headers it names.
 */

struct sql;

/*
 * Opens or makes it, sound and of the present format; in place of a damaged one a
 * new one that says so (state_is_rebuilt).  path "": a private temporary database.
 * NULL: logged.
 */
struct sql *dbfile_open(const char *path, int cache_kib);
/* Moves it aside and begins a new one, for the next process; -1: it is still there. */
int dbfile_replace(const char *path);

#endif
