/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_TYPED_H
#define FILEMON_CTL_TYPED_H

/*
 * Values that are only passed on to filemond are looked at here, where it is
 * known how they were typed; what is wrong ends the process with CTL_USAGE.
 */

#include "ctl/ctl.h"

/* For the option of filemon.conf(5) of that name, "handler.jobs" of a handler. */
void typed_value(
    const struct ctl *, const char *typed, const char *option, const char *value);
/* Of records on stdout. */
void typed_format(const struct ctl *, const char *value);

#endif
