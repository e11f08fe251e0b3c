/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_WATCHER_PRIV_H
#define FILEMON_WATCHER_WATCHER_PRIV_H

/*
 * The one structure of the process, shared by the files that join and act
 * (intake, reconcile, scan, dispatch, control, commands, status, watcher).
 * The files that decide (settle, retry, breaker, sig, filter) do not know it.
 */

#include <ev.h>
#include <filemon/watch.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "eventlog/evlog.h"
#include "policy/breaker.h"
#include "policy/filter.h"
#include "policy/loops.h"
#include "policy/pace.h"
#include "policy/settle.h"
#include "state/node.h"
#include "state/state.h"
#include "watcher/bufferful.h"
#include "watcher/dircache.h"
#include "watcher/doer.h"
#include "watcher/followers.h"
#include "watcher/sandbox.h"
#include "watcher/watcher.h"
#include "wire/wire.h"

struct asks;
struct job;
struct control;
struct waiters;
struct git;
struct keep;

struct handler_stats {
	uint64_t runs, ok, retries, timeouts, rejected, faults, loops;
	uint64_t same; /* loads not run: the content was the one delivered */
	char last_outcome[128];
	char *last_path; /* of the last failure; NULL: none */
	int64_t last_wall_ns;
};

/* A handler at run time: its section, its row, its breaker. */
struct handler {
	const struct handler_config *config;
	uint32_t index; /* in the configuration */
	int64_t id;	/* in state.db */
	struct globs *match;
	struct breaker breaker;
	bool paused;
	bool evaluate;	 /* all nodes are compared in the running scan */
	bool skip;	 /* ... and taken for delivered (initial = skip): */
	int64_t skip_ns; /* what has not changed since this (clk_stamp_ns) */
	int64_t running; /* asked for: also what is in the runner's hand */
	int64_t run_us;	 /* how long its jobs take; 0: its last was not done */
	struct handler_stats stats;
};

/* A directory being listed, page by page against the rows (scan.c). */
struct root_scan {
	bool active;
	bool unsure; /* the directory's row may be marked so: it is sure after this */
	int64_t dir;
	dev_t dev; /* its file system */
	struct buf path;
	struct node_page page;
	size_t at;	   /* the next row of page */
	uint64_t arrivals; /* state_arrivals, but for what the scan itself made */
	struct buf last;   /* name of the last row read */
};

struct root {
	struct watcher *watcher;
	const char *path; /* absolute, of the configuration */
	unsigned index;
	int64_t node; /* its row; 0 without state */
	struct fm_watch *watch;
	struct filter *filter;
	struct ev_io io;
	unsigned looks;	   /* by watcher_lstat in this bufferful; 0: there is none */
	int fd;		   /* of the root, during a bufferful that needs it; -1 */
	bool more;	   /* the last read has left some in the queue */
	int64_t listed_ns; /* the last slice of listing */
	bool busy;	   /* ... or was one of many within a moment */
	struct pace pace;
	struct ev_timer pause; /* of reading: what comes gathers meanwhile */
	struct root_scan scan;
	bool refilter;	      /* an ignore file changed */
	bool refused;	      /* what is at its path is not taken for it; logged */
	bool in_scan;	      /* what is recorded now was found by a listing */
	bool silent;	      /* ... of a tree not known before: it is no news */
	struct dircache dirs; /* looked up lately (place.c) */
};

struct intake_stats {
	uint64_t suppressed; /* hints that told nothing new */
	uint64_t gaps;
	uint64_t unseen;       /* paths that could not be looked at */
	uint64_t scan_changes; /* differences that a scan found */
};

struct watcher {
	struct watcher_setup setup;
	struct config *config;
	struct ev_loop *loop;
	struct state *state; /* NULL: the plain monitor */
	struct evlog *log;
	struct keep *keep;     /* of its segments; NULL: there are none */
	struct stream *stream; /* what goes to the log goes through it */
	struct wire *wire;     /* NULL: none */
	struct control *control;
	struct waiters *waiters;
	struct root *roots;
	size_t n_roots;
	struct handler *handlers;
	size_t n_handlers;
	char *token_tags, *token_error; /* of the token: what it says, why it does not */
	struct follower *followers;	/* the sinks */
	size_t n_followers;
	bool log_told; /* the runner knows that the log is written up to: */
	uint64_t log_told_seq;
	struct intake_stats intake;
	struct doer doer;
	struct git *git; /* NULL until a record asks for it */
	struct bufferful bufferful;
	struct {
		int64_t id; /* 0: none */
		struct root *root;
		struct buf path;
	} stored;	/* the row that was written last, and is there (place.c) */
	struct buf abs; /* scratch: an absolute path */
	struct buf scratch;

	/* Jobs (dispatch.c). */
	struct job *jobs;
	int64_t n_jobs;
	uint64_t next_job;
	size_t round_robin;
	struct loops loops;
	bool runner_ready;
	char limits[256];    /* what keeps jobs within theirs, as the runner says */
	struct asks *asks;   /* NULL: nobody can be asked */
	uint64_t noted_seq;  /* of the event log, in the last commit */
	int64_t vcs_since;   /* when index.lock was first met; 0: not there */
	int64_t vcs_seen;    /* ... and when last looked for */
	int64_t short_until; /* a job could not be started: none is till then */

	struct sandbox sandbox;

	/* The life of the process (watcher.c). */
	struct ev_timer timer;
	struct ev_prepare flush;
	struct ev_idle busy;
	struct ev_signal sig_term, sig_int, sig_hup, sig_usr1, sig_cont;
	struct ev_io life_io;
	bool ready;
	bool scanning; /* a scan of everything is under way */
	bool degraded; /* the last commit failed: a scan follows */
	bool promised; /* somebody was answered: this turn is committed */
	int64_t committed_ms;
	int64_t retry_commit_ms, recover_wait_ms;
	int64_t start_ms, ready_ms;
	int64_t scan_start_ms, scan_took_ms, scan_wall_ns;
	uint64_t scan_changes_before, scan_last_changes;
	int64_t rescan_due_ms; /* -1: none */
	int64_t unsure_due_ms; /* -1: none */
	int64_t spare_ms;      /* memory may be given back (spare.h); -1: there is none */
	int64_t files;
	bool in_links;		     /* looking at the other names of a file */
	const struct place *leaving; /* what is below it goes, row by row; NULL: none */
	bool incomplete; /* since the last scan began: what could not be listed, or looked
			    at */
	int64_t unsure_after; /* nodes up to this id were looked at again */
	dev_t state_dev;      /* of the state directory, at the start */
	ino_t state_ino;
	int64_t state_changed_ns; /* its names, when they were looked at; 0: look */
	bool stopping, stop_sent, cut;
	bool renewing; /* stopping, to make place for a new filemond */
	int64_t stop_due_ms;
	const char *stop_reason;
	int exit_code;

	/* What was there to be taken over (legacy.h). */
	struct {
		size_t roots; /* that go on without a comparison */
		char why[96]; /* the others do not; "": nothing was handed over */
		int64_t rescan_due_ms; /* of the one before; -1: not planned */
	} taken;

	/* Reload: the new configuration while the runner has not agreed yet. */
	struct config *reload_config;
	struct conn *reload_conn;
	char *reload_id;
	bool reload_again;    /* once the one that is under way is over */
	char *reload_refused; /* why, of the last one; NULL: it was not */
};

/* handlers.c: the table of handlers from a configuration, their rows in state. */
void handlers_build(struct watcher *);
void handlers_release(struct handler *, size_t n);
/* The running scan went through: every node was compared for every handler, but
   for those in directories that could not be listed (incomplete). */
void handlers_evaluated(struct watcher *);

/* reload.c: both processes read the file and switch at the same message. */
/* The answer goes to conn (may be NULL) when it is over. */
void reload_begin(struct watcher *, struct conn *conn, const char *id);
void reload_answer(struct watcher *, const struct wire_msg *);

/* restart.c: the configuration is right, so a new filemond may take the place. */
void restart_begin(struct watcher *, struct conn *conn, const char *id);

/* watcher.c */
void watcher_begin_scan(struct watcher *, const char *why);
/* What is committed next belongs to the event log up to here (undo.h). */
void watcher_note_seq(struct watcher *);
bool watcher_scanning(const struct watcher *);
/* Nothing is left to be listed. */
void watcher_scan_done(struct watcher *);
void watcher_stop(struct watcher *, const char *reason);
/* Is every root watched as the watcher before this one left it? */
bool watcher_has_taken_over(const struct watcher *);
/* Reads the kernel's queues until they are empty: a barrier. */
void watcher_drain_events(struct watcher *);
/* Have the timer computed anew, this turn. */
void watcher_wake(struct watcher *);

/* The absolute path of rel below root, in w->abs; valid until the next call. */
const char *watcher_abs(
    struct watcher *, const struct root *, const char *rel, size_t len);
/* lstat(2) of it; during a bufferful by a way that is shorter than the path. */
int watcher_lstat(
    struct watcher *, struct root *, const char *rel, size_t len, struct stat *);
struct root *watcher_root_of(struct watcher *, int64_t node_root);
/* The root that an absolute path is, or is below; *skip: where its path below begins. */
struct root *watcher_root_above(struct watcher *, const struct buf *abs, size_t *skip);

#endif
