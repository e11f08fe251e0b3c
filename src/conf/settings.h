/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_SETTINGS_H
#define FILEMON_CONF_SETTINGS_H

/*
 * What a file and the -o options say, and where: names are known and belong
 * where they stand, values are still words.  Not for threads (reading.h).
 */

#include <stddef.h>

#include "conf/config.h"
#include "conf/options.h"

struct setting {
	const struct option *row;
	char *section; /* its title; NULL: top level */
	unsigned line; /* 0: from -o */
	struct strlist values;
};

struct settings_section {
	enum option_scope scope;
	char *name;
	unsigned line; /* 0: only in -o */
};

struct settings {
	struct setting *v; /* a later one wins */
	size_t n;
	struct settings_section *sections;
	size_t n_sections;
};

#define SETTINGS_INIT \
	{ \
		NULL, 0, NULL, 0 \
	}

void settings_release(struct settings *);
/* file is for the messages; text[len] is NUL.  -1 with *error. */
int settings_add_text(
    struct settings *, const char *file, char *text, size_t len, struct config_error *);
/* Every option of the scope that has a default, in one reading. */
int settings_add_defaults(struct settings *, enum option_scope, struct config_error *);
/*
 * "name=value", "handler.NAME.option=value" or "sink.NAME.option=value".  A value that
 * begins with a brace or a quote is in the syntax of the file, any other is one word as
 * it is.
 */
int settings_add_option(struct settings *, const char *text, struct config_error *);
/* The last one in the section of that title; NULL where there is none. */
const struct setting *settings_find(
    const struct settings *, enum option_scope, const char *section, const char *name);

#endif
