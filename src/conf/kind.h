/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_KIND_H
#define FILEMON_CONF_KIND_H

/*
 * The kinds of values that options have: how the words of the file become a
 * member of the configuration, and how that is written again.  For options.h
 * alone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "conf/argv.h"
#include "conf/options.h"

/* The text of a refusal, and where it goes. */
struct refusal {
	char *text;
	size_t size;
};

struct kind {
	/* -1 with a text, and then member is as it was. */
	int (*set)(const struct option *, void *member, const struct strlist *values,
	    const struct refusal *);
	/* As the file would say it; nothing where it is unset. */
	void (*format)(const struct option *, const void *member, struct buf *);
	void (*release)(void *member); /* NULL: it holds nothing */
	/* Adds the words that there are, a space after each.  NULL: it may be any. */
	void (*words)(const struct option *, struct buf *);
	bool is_list; /* else values is one word */
};

/* number.c */
extern const struct kind kind_bool, kind_int, kind_duration, kind_size;
/* word.c */
extern const struct kind kind_string, kind_choice;
/* list.c */
extern const struct kind kind_list, kind_exits, kind_enrich, kind_types;

/* Returns -1. */
int kind_refuse(const struct refusal *, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
