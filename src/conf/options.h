/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CONF_OPTIONS_H
#define FILEMON_CONF_OPTIONS_H

/*
 * The table of options: one row each.  Parsing, limits, defaults, the diff of
 * a reload, `filemonctl config` and the manual's list all come from it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct strlist;
struct buf;

enum option_type {
	OPTION_BOOL,
	OPTION_INT,
	OPTION_DURATION, /* ms */
	OPTION_SIZE,	 /* bytes: 65536, 64K, 64KiB */
	OPTION_STRING,
	OPTION_LIST,
	OPTION_CHOICE, /* choices, "|" between them; stored as the index */
	OPTION_EXITS,  /* list of codes and ranges: { 0, "64-68" } */
	OPTION_TYPES,  /* list of file, dir, symlink, other */
	OPTION_ENRICH, /* list of names; enum enrich bits as unsigned */
	OPTION_TYPE_COUNT,
};

enum option_scope {
	OPTION_TOP,
	OPTION_HANDLER,
	OPTION_SINK,
	OPTION_ALERT,
	OPTION_SCOPE_COUNT
};

struct option {
	const char *name;
	enum option_scope scope;
	enum option_type type;
	size_t offset;	  /* of the member in struct config, handler_config, ... */
	int64_t min, max; /* of numbers and durations */
	const char *dflt; /* as it would be written in the file; NULL: unset */
	const char *choices;
	const char *planned; /* choices that this version knows and refuses */
	const char *example; /* for the template, where the default shows nothing */
	const char *text;    /* one sentence */
	/* What else must hold; as option_set.  May be NULL. */
	int (*check)(const struct strlist *, char *error, size_t size);
};

/* A section with a title: a handler, a sink, an alert. */
struct section {
	enum option_scope scope;
	const char *name;
	unsigned line; /* 0: only in -o */
	void *at;      /* the struct that its options fill */
};

extern const struct option options[];
extern const size_t options_count;

const struct option *option_find(enum option_scope, const char *name);
/* Is its value a list? */
bool option_is_list(const struct option *);
/*
 * Gives the row's member of section these values; -1 with a text in error
 * ("999 is too large: 1 to 256 is wanted"), and then nothing has changed.
 */
int option_set(const struct option *, void *section, const struct strlist *values,
    char *error, size_t size);
void option_release(const struct option *, void *section);
/* The row's present value as it would be written in the file; nothing if unset. */
void option_format(const struct option *, const void *section, struct buf *out);
/* Adds "name=word", a line each, or "name=" where it may be any. */
void option_words(const struct option *, struct buf *out);
/* The value of a row of numbers, durations or sizes. */
int64_t option_number(const struct option *, const void *section);
/* Adds s in quotes, so that the file, or -o, reads it back as it is. */
void option_quote(struct buf *out, const char *s);
/* "handler", "sink"; NULL at the top, which has no sections' keyword. */
const char *option_scope_name(enum option_scope);
/* The nearest name of that scope (those of sections too at the top), or NULL. */
const char *option_near(enum option_scope, const char *name);
/*
 * All of it as a JSON object, values with their text and default:
 * {"file":…,"project":…,"options":[{"name":…,"value":…,"default":…,
 *   "is_default":…,"text":…}],
 *  "handlers":[{"name":…,"options":[…]}],"sinks":[…]}.
 */
void options_json(const struct config *, struct buf *out);
/*
 * All of it as text: the digest is made of it, and two configurations that
 * read the same are the same.
 */
void options_canonical(const struct config *, struct buf *out);
/* A configuration that says nothing: every option, commented out, explained. */
void options_template(struct buf *out);

#endif
