/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_LEXIS_H
#define FILEMON_CONF_LEXIS_H

/*
 * Makes a configuration's text fit for libconfuse 3.3, whose lexer is lenient
 * where it should complain.  It drops an unquoted '*' (so that `ignore = *.log`
 * means ".log"), cuts a string at "\0", takes a comment or a section
 * without an end for a whole one, knows no comments within lists, miscounts lines at
 * comments, takes a byte order mark or a ';' for a part of the word beside it,
 * and a quote left open makes it misread the next file as well.  So
 * here comments are blanked, and the rest of it is refused with its line; an
 * unclosed section is left to the caller, as a fault before it tells more.
 */

#include <stddef.h>

struct lexis {
	unsigned *sections; /* the line of each section's opening brace, in order */
	size_t n;
	unsigned unclosed; /* the line of a brace without its end, 0 if there is none */
};

struct lexis_error {
	unsigned line;
	char text[160];
};

/* text[len] must be NUL.  -1 with *error filled; release either way. */
int lexis_clean(char *text, size_t len, struct lexis *, struct lexis_error *);
void lexis_release(struct lexis *);

#endif
