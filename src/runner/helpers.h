/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_HELPERS_H
#define FILEMON_RUNNER_HELPERS_H

/*
 * Jobs of filemon's own: programs (base/helper.h) for what the watcher must
 * not or cannot do itself.  As with orders, the configuration says on what.
 */

#include "conf/config.h"

/* At once; they take no place of jobs-max. */
#define HELPERS_MAX 4

struct jobs;
struct order_error;
struct wire_msg;

/* Compresses a segment of the event log.  -1 with *error where no job was started. */
int helpers_pack(
    const struct config *, struct jobs *, const struct wire_msg *, struct order_error *);

#endif
