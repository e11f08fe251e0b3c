/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_JOB_H
#define FILEMON_RUNNER_JOB_H

/*
 * One run of a handler command, or of a long-lived process (child.h).  It is over when
 * three things are known: its process has died, its output has ended, and nothing that it
 * started is left. A grandchild may hold the output open, so after the death it is read
 * for a bounded time only.  When its time is up, or when told to stop, it gets SIGTERM
 * (and SIGCONT: it may be stopped), after the grace SIGKILL, and so does all that
 * descends from it.
 *
 * Who reaps and who looks for descendants is jobs.h: a job is told of its
 * death (job_exited) and of what is left of it (job_swept).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "runner/spawn.h"
#include "wire/wire.h"

struct cgroup;
struct ev_loop;
struct env;

struct job_result;

/* Who is told of a long-lived process; of a job its jobs_events are. */
struct job_owner {
	void (*started)(void *ctx, pid_t pid);
	/* Nothing of it runs any more. */
	void (*ended)(void *ctx, const struct job_result *);
	void *ctx;
};

struct job_spec {
	uint64_t id;
	const char *subject; /* of log lines: "handler memory docs/a.md" */
	char *const *argv;
	struct env *env; /* jobs_start adds FILEMON_JOB */
	const char *cwd;
	const struct spawn_user *user;
	int64_t timeout_ms; /* 0: none */
	int64_t grace_ms;
	int in_fd;  /* its stdin, the caller's to close; 0: /dev/null */
	int out_fd; /* its stdout, as in_fd; 0: captured */
	const struct job_owner *owner;	       /* NULL: a job */
	struct cgroup *cgroup;		       /* taken; NULL: none */
	const struct privilege_limits *limits; /* that its processes take; NULL: none */
	bool quick; /* start it at the least cost (spawn.h); see job_attend */
};

struct job_result {
	uint64_t id;
	pid_t pid;
	enum wire_outcome outcome;
	int code; /* as in struct wire_msg */
	int64_t duration_us;
	int64_t max_rss_kib;
	const char *text;   /* why it could not be started; else "" */
	const char *output; /* the last WIRE_OUTPUT_MAX bytes */
	size_t output_len;
};

struct job;

struct job_hooks {
	/* The program runs; not called for one that could not be started, nor for a
	   quick one that was over before it was attended to. */
	void (*started)(void *ctx, const struct job *);
	/* Called last; the job is freed after it. */
	void (*ended)(void *ctx, const struct job *, const struct job_result *);
	/* To the job's group and everything that descends from it. */
	void (*signal)(void *ctx, const struct job *, int sig);
	void *ctx;
};

/* NULL with *error where there is no process; then no hook was or is called. */
struct job *job_start(struct ev_loop *, const struct job_spec *, const struct job_hooks *,
    struct spawn_error *);
/* Forgets it without a word, its process too. */
void job_free(struct job *);

uint64_t job_id(const struct job *);
pid_t job_pid(const struct job *);
/* Kills all that is in its cgroup, where it has one. */
void job_kill_cgroup(const struct job *);
bool job_is_alive(const struct job *); /* its process was not yet reaped */

/*
 * Begins to follow its output and tells that it runs.  Most jobs are over within
 * a few ms, with a line or none in their pipes, and are not worth the care: a
 * quick one is attended to when it has lived for a while.
 */
void job_attend(struct job *);
void job_exited(struct job *, int status, const struct rusage *);
/* So many processes of it were still there.  May end and free the job. */
void job_swept(struct job *, size_t left);
/* Ends it because filemon stops: the outcome is WIRE_CUT if it was running. */
void job_stop(struct job *);

#endif
