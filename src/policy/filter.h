/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_FILTER_H
#define FILEMON_POLICY_FILTER_H

/*
 * Which paths are of interest: gitignore syntax (gitignore(5)), the last match
 * wins.  Rules in order: the built-in default ignores (if on), .gitignore and
 * .filemonignore of each directory (if on; read when first needed, dropped by
 * filter_forget), `ignore` of the configuration.  A directory that is ignored
 * hides everything below it, so it need not be watched.  `include`, where not
 * empty, is what files must match besides; directories are always included.
 * Below <state-dir> nothing is ever of interest.
 *
 * Pure but for reading ignore files.  Patterns and paths are bytes.  Time is
 * bounded: matching does not backtrack exponentially.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/config.h"

struct filter;

/* Where a decision comes from, for `filemonctl why`. */
struct filter_rule {
	const char *pattern; /* "*.swp"; NULL: no rule matched */
	/* "default ignores", "/p/.gitignore", the configuration's path, "state
	   directory", "include" where a file is not among these (pattern NULL) */
	const char *source;
	unsigned line; /* 0 where there is none */
};

/* root is the absolute root the paths are relative to. */
struct filter *filter_new(const struct config *, const char *root);
void filter_free(struct filter *);
/* Changes with what is built in: of two processes that ignore alike it is the same. */
uint64_t filter_rules(void);
/*
 * Is path (relative, no leading slash) of interest?  Looks at path and at the
 * directories above it.  rule may be NULL; it is valid until the next call.
 */
bool filter_want(
    struct filter *, const char *path, size_t len, bool is_dir, struct filter_rule *rule);
/* An ignore file at path changed: is it one?  Then its rules are dropped. */
bool filter_forget(struct filter *, const char *path, size_t len);
/*
 * filter_want looks at an ignore file again when asked about it or about its
 * directory.  True, once, where one had changed: what was said before may no
 * longer hold (fm_watch_refilter).  An ignore file is mostly hidden itself, so
 * that no event of its own need ever come.
 */
bool filter_take_changed(struct filter *);

/* A compiled list of globs on its own, for a handler's `match`; last match
   wins, "!" negates; empty matches everything, and a list of "!" alone
   everything but what they name.  Patterns that glob_check refuses are left
   out. */
struct globs;
struct globs *globs_new(const struct strlist *); /* NULL: empty */
void globs_free(struct globs *);
/* Adds one; line is only kept.  What is wrong with it, and then it is left out. */
const char *globs_add(struct globs *, const char *pattern, size_t len, unsigned line);

struct glob_hit {
	const char *pattern; /* as it was written, with its "!" */
	unsigned line;
	bool negated;
};
/* The last pattern that matches path itself, whatever is above it. */
bool globs_find(
    const struct globs *, const char *path, size_t len, bool is_dir, struct glob_hit *);
/* Does path match, or a directory above it? */
bool globs_match(const struct globs *, const char *path, size_t len, bool is_dir);

#endif
