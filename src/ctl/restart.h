/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_RESTART_H
#define FILEMON_CTL_RESTART_H

/*
 * A restart that gives nothing up: the running filemond puts a new one in its
 * own place, which takes its watches over.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/project.h"

struct restart_options {
	int64_t timeout_ms; /* for what runs to end */
	bool force;	    /* then it is ended */
	bool no_wait;
};

/*
 * False where there is nobody to ask, where it cannot do that or has ended
 * meanwhile, or where it is to be started with other arguments: then it has to
 * be stopped, where it runs, and started.
 */
bool restart_in_place(
    struct ctl *, const struct project *, const struct restart_options *, int *code);

#endif
