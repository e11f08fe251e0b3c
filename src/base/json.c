/* SPDX-License-Identifier: ISC */
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

#define MAX_NESTING 32
/* Beyond 2^53 a double, which is what cJSON keeps, skips whole numbers. */
#define MAX_EXACT 9007199254740992.0

static int fail(struct json_error *, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int
fail(struct json_error *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* Returns what follows the string whose first byte is s; NULL where it holds a
   NUL, which would cut what cJSON hands out short. */
static const char *
skip_string(const char *s, const char *end)
{
	for (; s < end && *s != '"'; s++) {
		if (*s != '\\')
			continue;
		if (end - s >= 6 && memcmp(s, "\\u0000", 6) == 0)
			return NULL;
		s++;
	}
	return s < end ? s + 1 : end;
}

/* What cJSON would let pass (its own limit of nesting is 1000). */
static int
check(const char *text, size_t len, struct json_error *err)
{
	const char *s = text, *end = text + len;
	int depth = 0;
	if (memchr(text, '\0', len))
		return fail(err, "not JSON: a NUL byte");
	while (s < end) {
		char c = *s++;
		if ((c == '{' || c == '[') && ++depth > MAX_NESTING)
			return fail(err, "nested deeper than %d", MAX_NESTING);
		if (c == '}' || c == ']')
			depth--;
		if (c == '"' && !(s = skip_string(s, end)))
			return fail(err, "a string holds a NUL (\\u0000)");
	}
	return 0;
}

cJSON *
json_parse(const char *text, size_t len, struct json_error *err)
{
	const char *stop = text;
	if (check(text, len, err) == -1)
		return NULL;
	cJSON *value = cJSON_ParseWithLengthOpts(text, len, &stop, false);
	if (!value) {
		fail(err, "not JSON: byte %zu", (size_t)(stop - text));
		return NULL;
	}
	while (stop < text + len && strchr(" \t\r\n", *stop))
		stop++;
	if (stop == text + len)
		return value;
	fail(err, "not JSON: more text after the value: byte %zu", (size_t)(stop - text));
	cJSON_Delete(value);
	return NULL;
}

/* "params.limit: a number is wanted": an object knows the name it has in the
   one it is in. */
static int
unwanted(const cJSON *obj, const char *name, const char *what, struct json_error *err)
{
	const char *in = obj && obj->string ? obj->string : "";
	return fail(err, "%.60s%s%.60s: %s", in, *in ? "." : "", name, what);
}

int
json_opt_string(
    const cJSON *obj, const char *name, const char **out, struct json_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
	*out = NULL;
	if (!item)
		return 0;
	if (!cJSON_IsString(item))
		return unwanted(obj, name, "a string is wanted", err);
	*out = item->valuestring;
	return 0;
}

int
json_string(const cJSON *obj, const char *name, const char *dflt, const char **out,
    struct json_error *err)
{
	if (json_opt_string(obj, name, out, err) == -1)
		return -1;
	if (!*out)
		*out = dflt;
	return *out ? 0 : unwanted(obj, name, "a string is wanted", err);
}

int
json_int(const cJSON *obj, const char *name, int64_t dflt, int64_t *out,
    struct json_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
	*out = dflt;
	if (!item)
		return 0;
	if (!cJSON_IsNumber(item))
		return unwanted(obj, name, "a number is wanted", err);
	double v = item->valuedouble;
	if (!(v >= -MAX_EXACT && v <= MAX_EXACT) || v != (double)(int64_t)v)
		return unwanted(obj, name, "a whole number is wanted", err);
	*out = (int64_t)v;
	return 0;
}

int
json_bool(
    const cJSON *obj, const char *name, bool dflt, bool *out, struct json_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
	*out = dflt;
	if (!item)
		return 0;
	if (!cJSON_IsBool(item))
		return unwanted(obj, name, "true or false is wanted", err);
	*out = cJSON_IsTrue(item);
	return 0;
}
