/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_STORY_H
#define FILEMON_CTL_STORY_H

#include <cjson/cJSON.h>

/* Prints the answer to "status" (doc/control-protocol.md): the story of a daemon in about
   ten lines. */
void story_show(const cJSON *status);

#endif
