/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_READING_H
#define FILEMON_CONF_READING_H

/*
 * A text in the syntax of the file, read by libconfuse, which has a static lexer: not
 * for threads.  What libconfuse does not keep is kept beside it: the lines of values
 * and sections, and the first fault in the words of this program.  For settings.h
 * alone.
 */

#include <confuse.h>
#include <stddef.h>

#include "base/compiler.h"
#include "conf/config.h"
#include "conf/lexis.h"
#include "conf/options.h"

/* The line of an option's first value: libconfuse does not keep it. */
struct mark {
	const cfg_t *section;
	const cfg_opt_t *opt;
	unsigned line;
};

struct reading {
	const char *file;	   /* for messages; NULL: not from a file */
	const struct option *only; /* the one option that is read; NULL: all */
	enum option_scope scope;   /* of the options at its top */
	const char *text;
	cfg_t *root;
	struct lexis lexis;
	struct mark *marks;
	size_t n_marks;
	enum option_scope *kinds; /* of the sections in their order, as lexis's lines */
	size_t n_kinds;
	struct config_error *error; /* text "" until the first fault */
};

/* For a whole file. */
cfg_t *reading_root(void);
/* For options alone, of a scope or the only one: no section has a place in it. */
cfg_t *reading_flat_root(enum option_scope, const struct option *only);
/* Reads text into root, which is r's from then on; -1 with r->error. */
int reading_take(struct reading *, cfg_t *root, char *text, size_t len);
void reading_end(struct reading *);

/* Leaves the text in r->error, unless there is one. */
void reading_fail(struct reading *, unsigned line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Of the section number i in the file's order. */
unsigned reading_section_line(const struct reading *, size_t i);
/* NULL: no value of the option was read. */
const struct mark *reading_mark(
    const struct reading *, const cfg_t *section, const cfg_opt_t *opt);
/* OPTION_TOP where the keyword is none of ours. */
enum option_scope reading_scope_of(const char *keyword);

#endif
