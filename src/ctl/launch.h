/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_LAUNCH_H
#define FILEMON_CTL_LAUNCH_H

/*
 * Running filemond: which one ($FILEMOND, beside our own executable, in
 * ../sbin of it, in PATH) and with which arguments.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "ctl/ctl.h"

struct launch {
	struct strlist argv; /* argv[0] is the path of filemond */
	int out, err;	     /* become stdout and stderr; -1: ours */
	bool dies_with_us;   /* SIGTERM when we are gone */
};

/* CTL_OK, or CTL_NOT_INSTALLED after having said why. */
int launch_init(struct ctl *, struct launch *);
void launch_release(struct launch *);
void launch_arg(struct launch *, const char *);
void launch_option(struct launch *, const char *name, const char *value);
/* -C project, and -c and -o as they were given to us. */
void launch_common(struct launch *, const struct ctl *, const char *project);
/* The option with a list for its value. */
void launch_list(struct launch *, const char *name, const struct strlist *);
/* A list as filemon.conf(5) writes it: { "a", "b" } */
void launch_quote_list(struct buf *, const struct strlist *);
/* The pid, or -1 with errno. */
pid_t launch_spawn(const struct launch *);
/* Becomes filemond; returns with errno only on failure. */
void launch_exec(const struct launch *);
/* As a shell counts it: 128 + n for signal n. */
int launch_exit_code(int wait_status);

#endif
