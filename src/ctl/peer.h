/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_PEER_H
#define FILEMON_CTL_PEER_H

/*
 * The filemond that answers, in its own words: what it is doing, and its pid
 * where its lock does not tell (any more).
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ctl/project.h"

/* One question without patience: its status, or NULL. */
cJSON *peer_status(const struct project *);
/* The pid of the supervisor in a status; 0 where there is none. */
pid_t peer_pid(const cJSON *status);
/* "running", "stopping" or "restarting": what a status tells. */
const char *peer_doing(const cJSON *status);
/* Does one answer that is about to end?  Then *pid is its. */
bool peer_is_stopping(const struct project *, pid_t *pid);
/* The pid of who holds the lock, or else of who answers; 0: nobody does either. */
pid_t peer_find(const struct project *);

#endif
