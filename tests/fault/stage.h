/* SPDX-License-Identifier: ISC */
/*
 * One project with a daemon, for the sweep: a tree, its mirror, what changes,
 * and whether all is well in the end.  Every function that can find a fault
 * returns NULL, or a text that says it.
 */
#ifndef FILEMON_TESTS_STAGE_H
#define FILEMON_TESTS_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"

/* What is run, by absolute paths. */
struct stage_tools {
	const char *daemon, *copy, *shim, *treediff;
};

struct stage {
	const struct stage_tools *tools;
	char dir[256];	   /* all is below it */
	char project[300]; /* the tree */
	char state[320];
	char target[300];
	int notify;   /* where the daemon says READY */
	pid_t daemon; /* 0: none */
	struct fault_page *page;
	const char *said; /* of what was done to it; NULL: nothing special */
};

/* A tree with a few files; no daemon. */
void stage_build(struct stage *s, const struct stage_tools *tools, const char *dir);
/* No sandbox: the model of a power cut writes and kills elsewhere. */
void stage_open_sandbox(struct stage *s);
void stage_release(struct stage *s);

/* With the shim, and what the page says, or without. */
void stage_start(struct stage *s, bool faulty);
/* Until it is ready; false where it ended, or did not come up in time. */
bool stage_wait_ready(struct stage *s, int ms);
/* Creates, changes, renames, removes; asks the daemon this and that. */
void stage_change(struct stage *s);
/* While no daemon runs: one file goes, one changes. */
void stage_change_offline(struct stage *s);
/* The same, but nothing goes: what was there cannot be known any more. */
void stage_change_damaged(struct stage *s);
/* Until everything is delivered; false where it ended or has not in time. */
bool stage_wait_idle(struct stage *s, int ms);
/* What was given up is tried again. */
void stage_retry(struct stage *s);
/* By SIGTERM, then by SIGKILL.  Whether it ended by itself. */
bool stage_stop(struct stage *s, int ms);

const char *stage_check_processes(struct stage *s);
const char *stage_check_none_left(struct stage *s, int ms);
const char *stage_check_same(struct stage *s);
const char *stage_check_state(struct stage *s);
const char *stage_check_log(struct stage *s);

int64_t stage_now_ms(void);

#endif
