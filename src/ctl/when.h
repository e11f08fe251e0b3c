/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_WHEN_H
#define FILEMON_CTL_WHEN_H

/* A place in the event log as the command line names it: a number or a time. */

#include <stdbool.h>
#include <stdint.h>

#include "base/clk.h"
#include "ctl/ctl.h"

struct record_head;

struct when {
	bool set;
	uint64_t seq; /* where time is "" */
	char time[CLK_RFC3339_SIZE];
};

/* A sequence number, a time, or a duration before now; ends with CTL_USAGE. */
void when_parse(struct ctl *, const char *option, const char *arg, struct when *);
bool when_is_set(const struct when *);
/* Of two numbers or two times; false where that is not to be told. */
bool when_is_after(const struct when *, const struct when *other);
/* As strcmp(3): the record and the moment.  One without a time is at any. */
int when_compare(const struct record_head *, const struct when *);

#endif
