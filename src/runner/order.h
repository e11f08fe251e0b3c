/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_ORDER_H
#define FILEMON_RUNNER_ORDER_H

/*
 * From what the watcher orders (WIRE_RUN) to a job: checked against the
 * configuration, which alone says what is run; argv and environment are built
 * here.  A watcher that was subverted can have nothing run but configured
 * commands, for paths below configured roots.
 */

#include "conf/config.h"

struct cgroups;
struct jobs;
struct wire_msg;

struct orders;

struct order_error {
	int error; /* errno: EINVAL not in the configuration, EAGAIN too many jobs, ... */
	char text[512];
};

/* Takes the configuration; cgroups stays the caller's. */
struct orders *orders_new(struct config *, struct cgroups *);
void orders_free(struct orders *);
const struct config *orders_config(const struct orders *);
/* Lines of name=value that go over the configuration's tags. */
void orders_retag(struct orders *, const char *lines);

/* -1 with *error where no job was started. */
int orders_start(
    struct orders *, struct jobs *, const struct wire_msg *, struct order_error *);

#endif
