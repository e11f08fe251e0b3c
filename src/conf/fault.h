/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_FAULT_H
#define FILEMON_CONF_FAULT_H

/*
 * What is wrong with a configuration, in filemon's words: what libconfuse says
 * tells neither what is wanted nor how that is written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "conf/options.h"

/* "handler: no name: handler NAME { ... } is wanted", of libconfuse's message. */
void fault_describe(enum option_scope, const char *said, char *out, size_t size);
enum { FAULT_NAME_SIZE = 65 };
struct fault_value {
	unsigned line; /* where libconfuse stood */
	char name[FAULT_NAME_SIZE];
	const char *words;
};
/*
 * Is it that an option was given a list for a value, or that the text ends before
 * one?  Then which option, its line, and what is wrong.
 */
bool fault_in_value(
    enum option_scope, const char *text, const char *said, struct fault_value *);
/* "unknown option: did you mean 'settle'?" */
void fault_unknown(enum option_scope, const char *name, char *out, size_t size);
/*
 * Is name fit for files, messages and -o?  Letters, digits, '_' and '-'; -1 with
 * a text where it is not.
 */
int fault_of_name(enum option_scope, const char *name, char *error, size_t size);

#endif
