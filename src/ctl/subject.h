/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SUBJECT_H
#define FILEMON_CTL_SUBJECT_H

/* A path from the command line as the parameter of a question. */

#include <cjson/cJSON.h>

#include "ctl/ctl.h"
#include "ctl/project.h"

/* NULL after having said that word is outside the project. */
cJSON *subject_params(struct ctl *, const struct project *, const char *word);

#endif
