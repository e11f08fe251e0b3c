/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_SPAWN_H
#define FILEMON_RUNNER_SPAWN_H

/*
 * The only fork(2) besides the supervisor's.  Everything is prepared before it
 * (the program is looked up, the user's ids, argv and the environment are
 * ready); the child calls nothing but async-signal-safe functions.  The child
 * is a session of its own, so its pid names its session and group too; it has
 * default dispositions for all signals, none blocked, stdin from /dev/null or what
 * is given, no descriptor but 0 to 2, the limit of open files that filemond was
 * given (nofile.h), and is killed when the process that spawned it
 * dies.
 *
 * Nothing here waits: whether the program was started is told by a pipe which
 * is close-on-exec in the child and is to be read from the loop.  But with
 * `quick` the child borrows this process's memory until execve(2) is done, as
 * after vfork(2): nothing is copied, and how it went is known at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whom a child runs as; resolved before the fork, since that may read files. */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int n_groups;
	char *name;
	char *home;
	char *shell;
};

struct privilege_limits;

struct spawn {
	char *const *argv; /* argv[0] without a slash: looked up in PATH of envp */
	char *const *envp;
	const char *cwd;	       /* NULL: stays */
	const struct spawn_user *user; /* NULL: as this process */
	int in_fd;		       /* 0: /dev/null */
	int out_fd, err_fd;	       /* the child's ends; stay the caller's to close */
	int cgroup_fd;		       /* the child begins in it (cgroup.h); 0: in ours */
	const struct privilege_limits *limits; /* NULL: as this process */
	bool quick; /* wait for execve(2); not where the user changes */
};

/* What failed first. */
enum spawn_step {
	SPAWN_LOOKUP, /* the program in PATH */
	SPAWN_PIPE,
	SPAWN_FORK,
	SPAWN_SETSID,
	SPAWN_STDIO,
	SPAWN_CGROUP,
	SPAWN_LIMITS,
	SPAWN_USER,
	SPAWN_PARENT, /* the parent was gone before the child was ready */
	SPAWN_CHDIR,
	SPAWN_EXEC,
	SPAWN_STEP_MAX,
};

struct spawn_error {
	enum spawn_step step;
	int error; /* errno */
};

struct spawned {
	pid_t pid;
	int status_fd; /* the caller's to read by spawn_status and to close;
			  -1: quick, the program runs */
};

/* -1 with *error where there is no child.  Signal dispositions are taken for those
   that were there at the first call. */
int spawn_start(const struct spawn *, struct spawned *, struct spawn_error *);
/* 1 the program runs, 0 not known yet, -1 it does not: *error is filled. */
int spawn_status(int status_fd, struct spawn_error *);
/* Would the program be found, and could it be run?  0, or errno. */
int spawn_find(const char *program, char *const *envp);
/* "heimdall: exec: Permission denied" */
void spawn_error_format(
    const struct spawn_error *, const char *program, char *text, size_t size);

/* The caller frees with spawn_user_free.  NULL with errno (ENOENT: no such user). */
struct spawn_user *spawn_user_new(const char *name);
void spawn_user_free(struct spawn_user *);

#endif
