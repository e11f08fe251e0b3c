/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_ACCEPTED_H
#define FILEMON_CONF_ACCEPTED_H

/*
 * What the configuration's file held when a reload accepted it last: in a file in
 * memory, which the processes of one filemond share by a descriptor.  The runner puts
 * it there when it switches, whoever is started after a crash takes it from there,
 * and the file in the project may hold anything meanwhile.  A writer that is killed
 * leaves the one of before.  One writer, and no reader while it writes.
 */

#include "conf/config.h"

/* A descriptor, close-on-exec; -1 with errno. */
int accepted_open(void);
/* -1 with errno, and what was there stays. */
int accepted_put(int fd, const struct config_text *);
/* 1: there is one, to be released; 0: none yet; -1 with errno. */
int accepted_get(int fd, struct config_text *);

#endif
