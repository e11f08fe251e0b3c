/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_CHILD_H
#define FILEMON_RUNNER_CHILD_H

/*
 * One long-lived process that is kept up: when it ends unasked it is started
 * again after a delay, which grows with each death and is forgotten once it was
 * up for a healthy while.  Each of its runs is a job (job.h) without a time
 * limit, so it ends as jobs do, with all that descends from it, and what it
 * says on stderr goes to the trace log.  Its stdin and stdout are its owner's,
 * from `up` to `down`; no byte passes through here.
 *
 * A child never gives up: one that cannot be started is tried again too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/config.h"

struct ev_loop;
struct env;
struct jobs;
struct spawn_user;

enum child_state {
	CHILD_DOWN,	/* and not wanted up */
	CHILD_STARTING, /* forked, the program may not run yet */
	CHILD_UP,
	CHILD_STOPPING,
	CHILD_BACKOFF, /* it died; the delay runs */
	CHILD_STATE_MAX,
};

enum child_io {
	CHILD_IO_NONE,	 /* stdin from /dev/null, stdout to the trace log */
	CHILD_IO_PIPES,	 /* stdin and stdout */
	CHILD_IO_INPUT,	 /* stdin is a pipe, stdout goes to the trace log */
	CHILD_IO_SOCKET, /* both are one end of a socketpair */
};

struct child_spec {
	const char *subject;	       /* of log lines: "sink audit" */
	const struct strlist *argv;    /* as it is: no placeholders */
	const struct env *env;	       /* all three are copied */
	const char *cwd;	       /* NULL: stays */
	const struct spawn_user *user; /* stays the caller's; NULL: as this process */
	enum child_io io;
	int64_t linger_ms; /* time to end by itself once told; 0: SIGTERM at once */
	int64_t grace_ms;  /* from SIGTERM to SIGKILL */
	int64_t backoff_ms, backoff_max_ms;
	int64_t healthy_ms; /* up for so long: the delay begins anew */
};

/* One end that nobody asked for. */
struct child_death {
	int64_t wall_ns;
	int64_t up_ms;	/* 0: could not be started */
	char text[256]; /* "exit 1: its last line", "signal 9 (Killed)", ... */
};

#define CHILD_DEATHS 5

struct child_info {
	enum child_state state;
	pid_t pid;	       /* 0 where there is none */
	uint64_t starts;       /* the program ran */
	uint64_t deaths;       /* unasked */
	int64_t restart_in_ms; /* CHILD_BACKOFF; else -1 */
	size_t n_last;
	struct child_death last[CHILD_DEATHS]; /* the newest first */
};

struct child_hooks {
	/*
	 * The program runs.  in_fd is written to, out_fd read; -1 where it has
	 * none; the same number is in both with a socket.  Both are non-blocking
	 * and are the owner's to close.
	 */
	void (*up)(void *ctx, int in_fd, int out_fd);
	/*
	 * Nothing of it runs any more: follows each `up`, and a child_stop that had
	 * to wait.  death is NULL where it was stopped.  May free the child.
	 */
	void (*down)(void *ctx, const struct child_death *);
	/* It is to end (linger_ms): time to close its stdin.  May be NULL. */
	void (*ending)(void *ctx);
	void *ctx;
};

struct child;

/* Is down at first.  jobs must outlive it. */
struct child *child_new(struct ev_loop *, struct jobs *, const struct child_spec *,
    const struct child_hooks *);
/* One that runs is ended and forgotten; no hook is called. */
void child_free(struct child *);

/* Wanted up: starts it, at once also where a delay runs. */
void child_start(struct child *);
/* Wanted down: linger, SIGTERM, grace, SIGKILL; at once where nothing runs. */
void child_stop(struct child *);
/* Ends it as if it had died of that: for one that does not keep to its protocol. */
void child_fail(struct child *, const char *why);

bool child_is_down(const struct child *);
void child_get_info(const struct child *, struct child_info *);
const char *child_state_name(enum child_state);
/* After so many deaths in a row (1: the first), doubled each time. */
int64_t child_delay(uint64_t deaths, int64_t backoff_ms, int64_t backoff_max_ms);

#endif
