/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_RUNNER_H
#define FILEMON_RUNNER_RUNNER_H

/*
 * The runner: starts, times, captures, ends and reaps everything that is not
 * filemond.  It knows pids and never a path's state.  One libev loop, small.
 * It is a child subreaper: what a handler leaves behind comes back to it and
 * is ended.
 */

#include "conf/config.h"

struct runner_setup {
	struct config *config;		    /* taken */
	const struct config_source *source; /* to read it again at a reload */
	int wire_fd;			    /* to the watcher */
	int life_fd;			    /* end of file when the supervisor is gone */
	int accepted_fd;       /* conf/accepted.h: what a reload accepts is put there */
	const char *trace_log; /* reopened at WIRE_REOPEN; NULL: stderr stays */
};

/* The process's main function; returns its exit code: 0 when it was stopped. */
int runner_main(const struct runner_setup *);

/* Points stderr at the trace log, made where missing; -1 with errno. */
int runner_open_trace(const char *path);

#endif
