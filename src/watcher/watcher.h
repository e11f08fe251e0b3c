/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_WATCHER_H
#define FILEMON_WATCHER_WATCHER_H

/*
 * The watcher: files.  Watches, filters, logs, settles, compares, decides.  It
 * knows paths and never a pid.  One libev loop; after start it needs no exec,
 * no network but its Unix socket, and writes only below the state directory.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "conf/config.h"

struct handover;

struct watcher_setup {
	struct config *config;		    /* taken */
	const struct config_source *source; /* to read it again at a reload */
	int wire_fd;			    /* to the runner; -1: none (plain monitor) */
	int life_fd;	       /* end of file when the supervisor is gone; -1: none */
	int ready_fd;	       /* one line is written there when ready; -1: none */
	int hand_fd;	       /* what is left for the next one goes there; -1: to none */
	struct handover *hand; /* what the one before has left; taken; NULL: none */
	unsigned renewals;     /* how often filemond was put in its own place */
	bool foreground;       /* the event stream goes to stdout too */
	const char *trace_log; /* reopened at SIGUSR1; NULL: stderr stays */
	pid_t supervisor, runner; /* to show */
	unsigned restarts;	  /* how often watcher or runner was started again */
	const char *last_restart; /* why, NULL if never */
	int64_t started_wall_ns;  /* of the supervisor */
	int64_t started_mono_ms;
};

/* Exit codes of watcher and runner towards the supervisor. */
enum child_exit {
	CHILD_EXIT_STOPPED = 0,	   /* asked to stop, nothing was broken off */
	CHILD_EXIT_FATAL = 1,	   /* cannot work; said why */
	CHILD_EXIT_CUT = 3,	   /* asked to stop, running jobs were broken off */
	CHILD_EXIT_STATE_GONE = 4, /* the state directory was removed or replaced */
	CHILD_EXIT_RENEW = 5,	   /* asked to make place for a new filemond */
	CHILD_EXIT_AGAIN = 6,	   /* state.db was exchanged: the next one can work */
};

/* The process's main function; returns its exit code (enum child_exit). */
int watcher_main(const struct watcher_setup *);

#endif
