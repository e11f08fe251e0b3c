/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_GIVEN_H
#define FILEMON_CTL_GIVEN_H

/*
 * What -c and -o say against what a filemond that runs was started with: it
 * takes no others.  Only what was given is compared, so the same command line
 * may be given again and again; options that say where it is are not.
 */

#include <stdbool.h>

#include "ctl/ctl.h"
#include "ctl/project.h"

/*
 * false, after having said what does not hold.  Where nobody answers that is
 * left to be found out by the command itself: true.
 */
bool given_holds(struct ctl *, const struct project *);

#endif
