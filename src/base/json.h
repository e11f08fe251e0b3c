/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_JSON_H
#define FILEMON_BASE_JSON_H

/*
 * Getters over cJSON that name the bad field.  A getter returns 0 and fills
 * *out; an optional field that is missing gives the default; a missing or
 * ill-typed one gives -1 and an error text like "params.limit: a number is
 * wanted".
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_error {
	char text[160];
};

/* Nesting is at most 32 and the text must end after the value; NULL if bad. */
cJSON *json_parse(const char *text, size_t len, struct json_error *);
int json_string(const cJSON *obj, const char *name, const char *dflt, const char **out,
    struct json_error *); /* dflt NULL: required */
int json_opt_string(const cJSON *obj, const char *name, const char **out,
    struct json_error *); /* missing: NULL */
int json_int(
    const cJSON *obj, const char *name, int64_t dflt, int64_t *out, struct json_error *);
int json_bool(
    const cJSON *obj, const char *name, bool dflt, bool *out, struct json_error *);

#endif
