/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_PLACEHOLDER_H
#define FILEMON_CONF_PLACEHOLDER_H

/*
 * Placeholders in the words of a command: {name} becomes a value, "{{" is a
 * brace.  Any other open brace is refused when the configuration is read, so
 * that a name that is misspelt is not found when the command is run.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/config.h"

struct placeholder {
	const char *name;
	void (*put)(struct buf *, const void *values);
};

struct placeholders {
	const struct placeholder *v;
	size_t n;
};

/* -1 with a text in error (size bytes) that names those there are. */
int placeholder_check(
    const struct placeholders *, const struct strlist *words, char *error, size_t size);
/* The caller frees the result; *used is set where a placeholder was replaced. */
char *placeholder_expand(
    const struct placeholders *, const char *word, const void *values, bool *used);

#endif
