/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_LOADER_H
#define FILEMON_CONF_LOADER_H

/* What is known while a configuration is loaded (config_load), for its steps. */

#include <stdbool.h>

#include "base/compiler.h"
#include "conf/config.h"
#include "conf/options.h"
#include "conf/settings.h"

struct loader {
	const struct config_source *source;
	struct settings settings;
	struct settings defaults[OPTION_SCOPE_COUNT];
	struct config *config;
	struct config_error *error;
	bool held;		  /* the project has a .filemon/ */
	struct config_text *text; /* gets what the file held; NULL: nobody asks */
	/* Recalled: what the file held once, and an earlier one; both NULL: it is read.
	 */
	const struct config_text *former;
	const struct config *start;
};

/* -1, with the text for the user. */
int loader_refuse(struct loader *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, with where the option was set, or where its section begins; NULL: at the
   top. */
int loader_refuse_value(
    struct loader *, const struct section *, const char *name, const char *why);
/* Replaces a path, which may be NULL, by one from dir on. */
void loader_absolute(char **path, const char *dir);
/* Whether all options together make sense here, the last step. */
int loader_check(struct loader *);

#endif
