/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_START_H
#define FILEMON_CTL_START_H

/*
 * Starting filemond.  The lock decides who runs, and filemond alone takes it:
 * any number of starts at once is fine, one wins and the others are content.
 */

#include <stdbool.h>

#include "ctl/project.h"

struct start_options {
	bool no_wait; /* return when it answers, not when it has seen the tree */
	bool silent;  /* print nothing but errors */
};

/* filemond's exit code where another one holds the lock. */
#define FILEMOND_EXIT_LOCKED 75 /* EX_TEMPFAIL of sysexits(3) */

/* Would it start so?  CTL_OK, or filemond's exit code after it has said why not. */
int start_try(struct ctl *, const struct project *);
/* The lock is held, and nobody answers: CTL_FAILED after having said so. */
int start_hangs(struct ctl *, const struct project *);
int start_project(struct ctl *, const struct project *, const struct start_options *);

#endif
