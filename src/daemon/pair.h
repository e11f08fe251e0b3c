/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_PAIR_H
#define FILEMON_DAEMON_PAIR_H

/*
 * Watcher and runner, which live and die together: forked, joined by a wire,
 * each with a pipe that closes when the supervisor dies, and a signal for that
 * case (SIGKILL for the watcher, SIGTERM for the runner, which has to end its
 * jobs).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/config.h"
#include "daemon/locks.h"
#include "watcher/handover.h"

struct pair_setup {
	struct config *config;
	const struct config_source *source; /* with absolute paths: for reloads */
	struct locks locks;
	struct handover hand; /* for the next pair that is started */
	unsigned renewals;
	int accepted_fd;	  /* conf/accepted.h */
	int report_fd, signal_fd; /* the supervisor's alone: closed in the children */
	bool foreground;
	const char *trace_log;	 /* NULL: stderr stays */
	int64_t started_wall_ns; /* of the supervisor */
	int64_t started_mono_ms;
};

struct pair {
	pid_t watcher, runner;		   /* 0: dead, or not started */
	int watcher_status, runner_status; /* of wait(2), once dead */
	int life_fd;  /* closed by the supervisor's death, or pair_end */
	int ready_fd; /* the watcher writes one line there; -1 */
	int hand_fd;  /* what the watcher leaves comes from there; -1 */
};

#define PAIR_INIT \
	{ \
		0, 0, 0, 0, -1, -1, -1 \
	}

/*
 * restarts: how often there was a pair before, and why it ended (cause).  Both use
 * the configuration that was accepted last, whatever the file holds by now.  -1 with
 * errno: none or one was started; pair_end cleans up.
 * Signals that the caller has blocked are not blocked in the children.  What
 * is handed over is closed here, taken or not: it is good for one try.
 */
int pair_start(struct pair *, struct pair_setup *, unsigned restarts, const char *cause);
/* Kills both and everything else below this process, and waits for their end. */
void pair_end(struct pair *);
/* Notes a death that wait(2) told of; false: it was neither. */
bool pair_reaped(struct pair *, pid_t, int status);

#endif
