/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_PRINT_H
#define FILEMON_CTL_PRINT_H

/*
 * Results on stdout, and what is in them.  A member that is missing reads as
 * 0, false or "": an older daemon is no reason to say nothing.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

int64_t get_int(const cJSON *, const char *name);
bool get_bool(const cJSON *, const char *name);
const char *get_string(const cJSON *, const char *name);
bool has(const cJSON *, const char *name); /* and is not null */
cJSON *get(const cJSON *, const char *name);

/* The object on one line. */
void print_json(const cJSON *);
/* The exact bytes of a member, from NAME_b64 where they are not UTF-8; to be freed. */
char *item_bytes(const cJSON *item, const char *name, size_t *len);
/* The path of an item, its exact bytes escaped for people.  The caller frees. */
char *item_path(const cJSON *item);
/* A member's text, escaped. */
char *item_text(const cJSON *item, const char *name);

/* Rows of cells in columns as wide as they need be; the last is left ragged. */
struct table;
struct table *table_new(const char *const *heads, size_t columns);
/* The cell is copied. */
void table_cell(struct table *, const char *);
void table_cellf(struct table *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line of its own below the row that was just filled. */
void table_note(struct table *, const char *indented_lines);
void table_print(const struct table *);
void table_free(struct table *);

#endif
