/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_ARGV_H
#define FILEMON_CONF_ARGV_H

/*
 * Placeholders of a command: one argv element in, one out, never a shell.
 * {path} {relpath} {root} {name} {dir} {ext} {event} {old_path} {attempt} {id};
 * "{{" is a brace.  A command without any placeholder gets the path appended
 * (for move: the old path, then the path).  That of an alert has {name} {rule}
 * {value} {threshold}, and nothing is appended.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/config.h"

struct argv_values {
	const char *path; /* absolute */
	const char *relpath;
	const char *root;
	const char *event; /* "created" "modified" "deleted" "renamed" */
	/* Absolute; NULL or "" where there is none.  Set it for move only: a
	   command without a placeholder gets it in front of path. */
	const char *old_path;
	int64_t attempt; /* from 1 */
	const char *id;	 /* of the job */
};

struct argv_alert {
	const char *name, *rule, *value, *threshold;
};

/* -1 with a text in error (size bytes) where a placeholder is unknown or open. */
int argv_check(const struct strlist *templ, char *error, size_t size);
int argv_check_alert(const struct strlist *templ, char *error, size_t size);
/* NULL-terminated; the caller frees with argv_free. */
char **argv_build(const struct strlist *templ, const struct argv_values *);
char **argv_build_alert(const struct strlist *templ, const struct argv_alert *);
void argv_free(char **);
/*
 * Splits a command line into words as sh(1) quotes them ('…', "…", \), without
 * any expansion; for `filemonctl run --load`.  -1 with error where a quote is open.
 */
int argv_split(const char *line, struct strlist *out, char *error, size_t size);
void strlist_release(struct strlist *);
void strlist_add(struct strlist *, const char *);

#endif
