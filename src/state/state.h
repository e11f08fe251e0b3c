/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_STATE_H
#define FILEMON_STATE_STATE_H

/*
 * state.db: what was last seen in the tree (node.h) and, per handler, what was
 * last delivered (delivery.h); pending = the two differ.  SQLite, single
 * writer, one transaction a loop turn.  Everything the watcher must remember
 * of files is here, so that neither the number of files nor that of changes costs
 * memory; what it happens to remember of a few (recent.h) only saves time.
 *
 * A failure of the database (full disk) is kept: state_failing says so; what
 * was not recorded counts as not delivered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sql.h"

struct recent;
struct state;

/* Due times that are none: see delivery.h. */
#define STATE_DUE_RUNNING (INT64_MAX - 1)
#define STATE_DUE_BLOCKED INT64_MAX

/*
 * path NULL: a private temporary database that goes with the process.  A
 * damaged file is moved aside (logged with its new name) and a new one begun.
 * Rows left "running" (cut.h) or "blocked" by a crash are due again.  NULL: logged.
 */
struct state *state_open(const char *path, int cache_kib);
void state_close(struct state *);
struct sql *state_sql(struct state *);
/*
 * Counts the nodes that came to a place, new or from another one: while it stands still,
 * a name that had no row in a directory has none.
 */
uint64_t state_arrivals(const struct state *);
void state_count_arrival(struct state *);
/*
 * The id of a node that is to be: none that a node had before, since a deleted one may
 * still be remembered by its id.  0: any that is free.
 */
int64_t state_new_node(struct state *);
/* What node.h remembers of files. */
struct recent *state_recent(struct state *);

/* Is there any such row?  Mostly not, and then no statement has to ask for one. */
struct state_hints {
	bool blocked; /* false: no delivery waits for another path */
	bool failed;  /* false: no failure is kept */
	bool in_way;  /* false: nothing is pending for a directory that is there */
	bool cut;     /* false: nothing ran when filemon died (cut.h) */
};
struct state_hints *state_hints(struct state *);
/* Looks again whether there is any. */
void state_look_blocked(struct state *);
void state_look_failed(struct state *);
void state_look_cut(struct state *);
void state_look_in_way(struct state *);
/* The file holds no tree yet: nothing that is found is news. */
bool state_is_new(const struct state *);
/* ... because the one before it was damaged: it is not known what was delivered. */
bool state_is_rebuilt(const struct state *);
/* The first scan went through; from now on what a scan finds is news. */
void state_set_scanned(struct state *);

/* The last record of the event log that belongs to what is committed; -1: none. */
int64_t state_seq(struct state *);
void state_set_seq(struct state *, int64_t seq);

/* This turn's commit has to outlast a power cut: a run is about to begin. */
void state_must_last(struct state *);
/* Once a loop turn; -1: nothing of this turn is recorded (logged once). */
int state_commit(struct state *);
/* Tries to write; 0 where it works (again). */
int state_probe(struct state *);
/* What is marked running or blocked is due now: nobody remembers it. */
void state_release(struct state *);
bool state_failing(const struct state *);
/* Is the file damaged?  Then it is moved aside (logged) and a new one begun, and the
   process must end: the next one goes on with that. */
bool state_condemn(struct state *);
/* Are the file and its WAL still where they were opened (inplace.h)? */
bool state_in_place(const struct state *);
/* Puts all of it back at its path, for the process that comes next; -1: logged.  Then
   it is to be closed. */
int state_restore(struct state *);
const char *state_error(const struct state *);
int64_t state_bytes(const struct state *);

/* Prepares once; text must be a string literal. */
sqlite3_stmt *state_stmt(struct state *, const char *text);

#endif
