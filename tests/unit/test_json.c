/* SPDX-License-Identifier: ISC */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "unit.h"

static struct json_error err;

static cJSON *
parse(const char *text)
{
	/* Not NUL-terminated, so that a read past len is seen by a sanitizer. */
	size_t len = strlen(text);
	char *copy = malloc(len > 0 ? len : 1);
	memcpy(copy, text, len);
	cJSON *value = json_parse(copy, len, &err);
	free(copy);
	return value;
}

static char *
nested(int depth)
{
	char *text = calloc(1, (size_t)depth * 2 + 1);
	memset(text, '[', (size_t)depth);
	memset(text + depth, ']', (size_t)depth);
	return text;
}

START_TEST(a_whole_value_is_parsed)
{
	static const char *const t[] = { "{}", " {\"a\":[1,2,{\"b\":null}]} \r\n", "1",
		"true", "\"[[[\"", "\"a\\\"]\\\\\"", "[\"\\\\u0000\"]",
		"{\"a\":\"\\u00e9\"}" };
	for (size_t i = 0; i < COUNTOF(t); i++) {
		cJSON *value = parse(t[i]);
		ck_assert_msg(value != NULL, "%s: %s", t[i], err.text);
		cJSON_Delete(value);
	}
}
END_TEST

START_TEST(anything_else_is_refused_with_a_reason)
{
	static const char *const t[] = { "", " ", "{", "}", "[1", "{\"a\"}", "{} x",
		"{}{}", "\"abc", "\"abc\\", "nul", "{\"a\":\"\\u0000\"}", "\"\\u00\"" };
	for (size_t i = 0; i < COUNTOF(t); i++) {
		err.text[0] = '\0';
		cJSON *value = parse(t[i]);
		ck_assert_msg(value == NULL, "%s", t[i]);
		ck_assert_msg(err.text[0] != '\0', "%s", t[i]);
	}
	ck_assert_ptr_null(json_parse("{}\0{}", 5, &err));
	ck_assert_ptr_null(json_parse("\"a\0b\"", 5, &err));
}
END_TEST

START_TEST(nesting_is_at_most_thirty_two)
{
	char *ok = nested(32), *deep = nested(33), *bottomless = nested(100000);
	cJSON *value = parse(ok);
	ck_assert_ptr_nonnull(value);
	cJSON_Delete(value);
	ck_assert_ptr_null(parse(deep));
	ck_assert_str_eq(err.text, "nested deeper than 32");
	ck_assert_ptr_null(parse(bottomless));
	free(ok);
	free(deep);
	free(bottomless);
}
END_TEST

START_TEST(getters_give_what_is_there_or_the_default)
{
	cJSON *o = parse(
	    "{\"s\":\"x\",\"i\":-7,\"big\":9007199254740992,\"b\":true,\"e\":\"\"}");
	const char *s;
	int64_t i;
	bool b;
	ck_assert_int_eq(json_string(o, "s", NULL, &s, &err), 0);
	ck_assert_str_eq(s, "x");
	ck_assert_int_eq(json_string(o, "e", "d", &s, &err), 0);
	ck_assert_str_eq(s, "");
	ck_assert_int_eq(json_string(o, "none", "d", &s, &err), 0);
	ck_assert_str_eq(s, "d");
	ck_assert_int_eq(json_opt_string(o, "none", &s, &err), 0);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(json_int(o, "i", 1, &i, &err), 0);
	ck_assert_int_eq(i, -7);
	ck_assert_int_eq(json_int(o, "big", 1, &i, &err), 0);
	ck_assert_int_eq(i, INT64_C(9007199254740992));
	ck_assert_int_eq(json_int(o, "none", 100, &i, &err), 0);
	ck_assert_int_eq(i, 100);
	ck_assert_int_eq(json_bool(o, "b", false, &b, &err), 0);
	ck_assert(b);
	ck_assert_int_eq(json_bool(NULL, "b", true, &b, &err), 0);
	ck_assert(b);
	cJSON_Delete(o);
}
END_TEST

START_TEST(a_bad_field_is_named_with_the_object_it_is_in)
{
	cJSON *o = parse(
	    "{\"params\":{\"limit\":\"3\",\"half\":0.5,\"huge\":1e300,\"null\":null}}");
	const cJSON *p = cJSON_GetObjectItemCaseSensitive(o, "params");
	const char *s;
	int64_t i;
	bool b;
	ck_assert_int_eq(json_int(p, "limit", 1, &i, &err), -1);
	ck_assert_str_eq(err.text, "params.limit: a number is wanted");
	ck_assert_int_eq(json_int(p, "half", 1, &i, &err), -1);
	ck_assert_str_eq(err.text, "params.half: a whole number is wanted");
	ck_assert_int_eq(json_int(p, "huge", 1, &i, &err), -1);
	ck_assert_int_eq(json_bool(p, "limit", false, &b, &err), -1);
	ck_assert_str_eq(err.text, "params.limit: true or false is wanted");
	ck_assert_int_eq(json_string(p, "path", NULL, &s, &err), -1);
	ck_assert_str_eq(err.text, "params.path: a string is wanted");
	ck_assert_int_eq(json_string(p, "null", "d", &s, &err), -1);
	ck_assert_int_eq(json_opt_string(o, "params", &s, &err), -1);
	ck_assert_str_eq(err.text, "params: a string is wanted");
	ck_assert_int_eq(json_string(NULL, "method", NULL, &s, &err), -1);
	ck_assert_str_eq(err.text, "method: a string is wanted");
	cJSON_Delete(o);
}
END_TEST

UNIT_MAIN("json", a_whole_value_is_parsed, anything_else_is_refused_with_a_reason,
    nesting_is_at_most_thirty_two, getters_give_what_is_there_or_the_default,
    a_bad_field_is_named_with_the_object_it_is_in)
