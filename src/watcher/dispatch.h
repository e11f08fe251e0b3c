/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_DISPATCH_H
#define FILEMON_WATCHER_DISPATCH_H

/*
 * Starts jobs for what is due and notes how they ended.
 *
 * One handler never runs twice at once for a path; which path goes before another is
 * in order.h.  Handlers take turns; each has `jobs` slots.  Of a handler whose
 * jobs are over at once a few more than that are asked for: the runner has them in
 * hand when a slot becomes free.  What is in hand is called back when its path
 * changes, or its handler may not run.
 *
 * Intent first: that a run begins is durable before the runner is asked, and
 * the state noted as delivered is the one from before the start.  Anything that
 * happens to the path, or to a directory above it, during the run makes it
 * pending again: the handler opens a name, and the name may have meant another
 * file for a moment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/body.h"
#include "state/delivery.h"
#include "wire/wire.h"

struct watcher;
struct root;
struct handler;

/* A job, from its choice to its outcome. */
struct job {
	uint64_t id;
	struct handler *handler; /* NULL: its section went in a reload */
	char *section;		 /* ... and had this name */
	struct root *root;
	int64_t node;
	int64_t old_node; /* of a move; 0 */
	enum wire_command command;
	enum delivery_state before; /* of the row, from before the start */
	int64_t sig;		    /* from before the start; 0: a removal */
	int64_t size;		    /* as sig; -1: a removal */
	struct body body;	    /* of sig, where it is known */
	bool unsure;		    /* its stamps were too young */
	bool again;		    /* something happened to the path meanwhile */
	bool doubted;		    /* something may have: events were lost (witness.h) */
	bool sent;
	bool recalled; /* by WIRE_DROP, which comes too late where it runs */
	int64_t attempt;
	int64_t pid;
	int64_t start_ms;
	int64_t looked_ms, looked_wall_ns; /* just before sig was taken */
	uint64_t chain; /* witness_chain at its start, where polled or body is known */
	bool polled;	/* nothing tells of a change: chain does */
	const char *event;
	char *path, *old_path; /* below the root */
	struct job *next;
};

/* Chooses what may start now; the runs are asked for by dispatch_send. */
void dispatch_choose(struct watcher *, int64_t now_ms);
/* Does a run that was chosen wait for the commit? */
bool dispatch_unsent(const struct watcher *);
/* After the commit: asks for what was chosen; where nothing was recorded
   (committed false), takes it back. */
void dispatch_send(struct watcher *, bool committed);
/* When something may start by time alone, CLOCK_MONOTONIC ms; -1: never. */
int64_t dispatch_due(struct watcher *, int64_t now_ms);
/* Jobs of the handler that run, as far as is known: not those in hand. */
int64_t dispatch_running(const struct handler *);
/* WIRE_STARTED and WIRE_ENDED. */
void dispatch_message(struct watcher *, const struct wire_msg *);

/* Takes the job into the list of those that run. */
void dispatch_add(struct watcher *, struct job *);
/* The handler's running job for a node; NULL: none. */
struct job *dispatch_job(const struct watcher *, const struct handler *, int64_t node);
/*
 * Taints the jobs for path and for everything below it: they run again.  Not so
 * removals: there was nothing when they began, and what comes back is loaded.
 */
void dispatch_taint_path(
    struct watcher *, const struct root *, const char *path, size_t len);
/* Events about them were lost: they run again unless surely nothing happened. */
void dispatch_doubt_path(
    struct watcher *, const struct root *, const char *path, size_t len);
/* Is anything pending or running? */
bool dispatch_idle(struct watcher *);
/*
 * The handlers changed places: jobs follow theirs by name.  Those of a section that
 * went and is back are its own again, so that nothing runs beside them.
 */
void dispatch_rebind(struct watcher *);
void dispatch_free(struct watcher *);

const char *dispatch_command_name(enum wire_command);

#endif
