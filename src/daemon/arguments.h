/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_DAEMON_ARGUMENTS_H
#define FILEMON_DAEMON_ARGUMENTS_H

/* The command line of filemond: its options are one table, --help comes from it. */

#include <stdbool.h>

#include "conf/config.h"

struct arguments {
	bool foreground;
	bool test;
	struct config_source source; /* lends from argv and options */
	struct strlist options;	     /* -o, and the long forms of some */
};

/* Ends the process after --help and --version, and with EX_USAGE. */
void arguments_parse(struct arguments *, int argc, char **argv);

#endif
