/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_PROJECT_H
#define FILEMON_CTL_PROJECT_H

/*
 * The project a command is for: found by walking up, with the places of its
 * state.  A configuration with a fault does not hide a running daemon: the
 * places are then the usual ones, and fault says what is wrong.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "conf/config.h"
#include "ctl/ctl.h"

struct project {
	char *root; /* absolute, resolved */
	char *state_dir;
	char *shown_root; /* both escaped, for messages */
	char *shown_state;
	char *socket;
	bool apart;	       /* -c and -o state-dir: not the project's own filemond */
	struct config *config; /* NULL: fault says why */
	struct config_error fault;
};

/* Whether filemond runs is what its lock tells, never a pid alone. */
enum project_state { PROJECT_STOPPED, PROJECT_RUNNING, PROJECT_UNKNOWN };

/* 0, or an exit code after having said why. */
int project_open(struct ctl *, struct project *);
void project_release(struct project *);
/*
 * Takes the lock for a moment where it is free: a daemon that starts in this
 * very moment would see it held, so ask the socket first.
 */
enum project_state project_state(const struct project *);
/* The pid written in the lock by its holder; 0 where there is none. */
pid_t project_pid(const struct project *);
/* project_state of a state directory by itself, without a project. */
enum project_state state_dir_state(const char *state_dir);
pid_t state_dir_pid(const char *state_dir);
/* Where the filemond pid of that project keeps its state; NULL: not to be seen. */
char *project_state_dir_of(pid_t pid, const char *root);
/*
 * Where a filemond of this project runs that keeps its state elsewhere than the
 * configuration says now: true, after having put into text what runs and how it
 * is ended.  To be asked where it does not answer.
 */
bool project_runs_elsewhere(const struct project *, struct buf *text);
/* The same, said as a failure of the command. */
bool project_says_elsewhere(struct ctl *, const struct project *);

#endif
