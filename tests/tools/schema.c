/* SPDX-License-Identifier: ISC */
/*
 * schema SCHEMA [FILE...]: does every line of the files, or of stdin, fit the
 * JSON Schema?  What has no newline at the end of a file was being written when
 * its writer died, and is no record.
 *
 * The keywords in the tables below are known, of draft 2020-12; any other is an
 * error (exit 2), so that a schema never says what nobody checks.  One thing is
 * stricter than the standard: a member that "properties" does not name is a
 * fault where "additionalProperties" is not given.  Readers have to accept what
 * they do not know, but what we write has to be in the schema.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_SHOWN 10
#define PATTERNS_MAX 32

static const cJSON *root;
static char fault[512]; /* the last one, where it was found */

static bool fits(const cJSON *schema, const cJSON *value, const char *name);

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "schema: %s: %s\n", what, which);
	exit(2);
}

static bool
is_fault(const char *name, const char *why)
{
	snprintf(fault, sizeof(fault), "%s: %s", name, why);
	return false;
}

static bool
has_type(const cJSON *value, const char *type)
{
	if (strcmp(type, "object") == 0)
		return cJSON_IsObject(value);
	if (strcmp(type, "array") == 0)
		return cJSON_IsArray(value);
	if (strcmp(type, "string") == 0)
		return cJSON_IsString(value);
	if (strcmp(type, "boolean") == 0)
		return cJSON_IsBool(value);
	if (strcmp(type, "number") == 0)
		return cJSON_IsNumber(value);
	if (strcmp(type, "integer") == 0)
		return cJSON_IsNumber(value) &&
		    value->valuedouble == floor(value->valuedouble);
	die("unknown type", type);
	return false;
}

static bool
check_type(const cJSON *key, const cJSON *value, const char *name)
{
	return has_type(value, cJSON_GetStringValue(key)) ||
	    is_fault(name, cJSON_GetStringValue(key));
}

static bool
check_const(const cJSON *key, const cJSON *value, const char *name)
{
	return cJSON_Compare(key, value, true) || is_fault(name, "not the one value");
}

static bool
check_enum(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	cJSON_ArrayForEach(one, key) if (cJSON_Compare(one, value, true)) return true;
	return is_fault(name, "none of the values");
}

static bool
check_minimum(const cJSON *key, const cJSON *value, const char *name)
{
	return !cJSON_IsNumber(value) || value->valuedouble >= key->valuedouble ||
	    is_fault(name, "too small");
}

static bool
check_maximum(const cJSON *key, const cJSON *value, const char *name)
{
	return !cJSON_IsNumber(value) || value->valuedouble <= key->valuedouble ||
	    is_fault(name, "too large");
}

/* Compiled once: there are few, and records by the hundred thousand. */
static const regex_t *
pattern(const cJSON *key)
{
	static struct {
		const cJSON *key;
		regex_t regex;
	} known[PATTERNS_MAX];
	size_t i = 0;
	while (i < PATTERNS_MAX && known[i].key && known[i].key != key)
		i++;
	if (i == PATTERNS_MAX)
		die("too many patterns", key->valuestring);
	if (!known[i].key &&
	    regcomp(&known[i].regex, key->valuestring, REG_EXTENDED | REG_NOSUB) != 0)
		die("a pattern that is none", key->valuestring);
	known[i].key = key;
	return &known[i].regex;
}

static bool
check_pattern(const cJSON *key, const cJSON *value, const char *name)
{
	return !cJSON_IsString(value) ||
	    regexec(pattern(key), value->valuestring, 0, NULL, 0) == 0 ||
	    is_fault(name, key->valuestring);
}

static bool
check_required(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	cJSON_ArrayForEach(one, key) if (cJSON_IsObject(value) &&
	    !cJSON_GetObjectItemCaseSensitive(value, one->valuestring))
	{
		snprintf(fault, sizeof(fault), "%s: no %s", name, one->valuestring);
		return false;
	}
	return true;
}

static bool
check_dependent(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	cJSON_ArrayForEach(
	    one, key) if (cJSON_GetObjectItemCaseSensitive(value, one->string) &&
	    !check_required(one, value, name)) return false;
	return true;
}

static bool
check_properties(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	(void)name;
	cJSON_ArrayForEach(one, key)
	{
		const cJSON *member =
		    cJSON_GetObjectItemCaseSensitive(value, one->string);
		if (member && !fits(one, member, one->string))
			return false;
	}
	return true;
}

static bool
check_items(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	if (!cJSON_IsArray(value))
		return true;
	cJSON_ArrayForEach(one, value) if (!fits(key, one, name)) return false;
	return true;
}

static int
count_fitting(const cJSON *key, const cJSON *value, const char *name)
{
	const cJSON *one;
	int n = 0;
	cJSON_ArrayForEach(one, key) n += fits(one, value, name);
	return n;
}

/* Of a choice by type, only what its own type says is of use. */
static bool
check_one_of(const cJSON *key, const cJSON *value, const char *name)
{
	const char *type =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "type"));
	char why[128];
	int n = count_fitting(key, value, name);
	if (n == 1)
		return true;
	snprintf(why, sizeof(why), "%d of the choices fit %s", n, type ? type : "");
	return is_fault(name, why);
}

static bool
check_all_of(const cJSON *key, const cJSON *value, const char *name)
{
	return count_fitting(key, value, name) == cJSON_GetArraySize(key);
}

/* "#/$defs/name" */
static bool
check_ref(const cJSON *key, const cJSON *value, const char *name)
{
	static const char prefix[] = "#/$defs/";
	const cJSON *defs = cJSON_GetObjectItemCaseSensitive(root, "$defs");
	const cJSON *target = NULL;
	if (strncmp(key->valuestring, prefix, sizeof(prefix) - 1) == 0)
		target = cJSON_GetObjectItemCaseSensitive(
		    defs, key->valuestring + sizeof(prefix) - 1);
	if (!target)
		die("no such definition", key->valuestring);
	return fits(target, value, name);
}

static const struct {
	const char *name;
	bool (*check)(const cJSON *key, const cJSON *value, const char *name);
} keywords[] = {
	{ "type", check_type },
	{ "const", check_const },
	{ "enum", check_enum },
	{ "minimum", check_minimum },
	{ "maximum", check_maximum },
	{ "pattern", check_pattern },
	{ "required", check_required },
	{ "dependentRequired", check_dependent },
	{ "properties", check_properties },
	{ "items", check_items },
	{ "oneOf", check_one_of },
	{ "allOf", check_all_of },
	{ "$ref", check_ref },
};

static const char *const notes[] = { "$schema", "$id", "$comment", "$defs", "title",
	"description", "examples", "additionalProperties" };

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

static bool
check_keyword(const cJSON *key, const cJSON *value, const char *name)
{
	for (size_t i = 0; i < COUNTOF(keywords); i++)
		if (strcmp(key->string, keywords[i].name) == 0)
			return keywords[i].check(key, value, name);
	for (size_t i = 0; i < COUNTOF(notes); i++)
		if (strcmp(key->string, notes[i]) == 0)
			return true;
	die("unknown keyword", key->string);
	return false;
}

/* What "properties" does not name. */
static bool
check_others(const cJSON *schema, const cJSON *value, const char *name)
{
	const cJSON *known = cJSON_GetObjectItemCaseSensitive(schema, "properties");
	const cJSON *others =
	    cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
	const cJSON *one;
	if (!cJSON_IsObject(value) || (!known && !others) || cJSON_IsTrue(others))
		return true;
	cJSON_ArrayForEach(one, value)
	{
		if (cJSON_GetObjectItemCaseSensitive(known, one->string))
			continue;
		if (cJSON_IsObject(others) ? fits(others, one, one->string) : false)
			continue;
		snprintf(fault, sizeof(fault), "%s: %s is not in the schema", name,
		    one->string);
		return false;
	}
	return true;
}

static bool
fits(const cJSON *schema, const cJSON *value, const char *name)
{
	const cJSON *key;
	cJSON_ArrayForEach(
	    key, schema) if (!check_keyword(key, value, name)) return false;
	return check_others(schema, value, name);
}

static cJSON *
read_schema(const char *path)
{
	FILE *file = fopen(path, "re");
	static char text[256 * 1024];
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	cJSON *schema = n > 0 ? cJSON_Parse(text) : NULL;
	if (!schema)
		die("no schema", path);
	fclose(file);
	return schema;
}

static unsigned long records, faults;

static void
check_line(const char *line)
{
	cJSON *record = cJSON_ParseWithOpts(line, NULL, false);
	records++;
	if (!record)
		is_fault("line", "no JSON");
	if ((!record || !fits(root, record, "record")) && faults++ < FAULTS_SHOWN)
		printf("%s\n\t%s", fault, line);
	cJSON_Delete(record);
}

static void
check_file(FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	while ((n = getline(&line, &size, file)) > 0)
		if (line[n - 1] == '\n')
			check_line(line);
	free(line);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		die("usage", "schema SCHEMA [FILE...]");
	root = read_schema(argv[1]);
	if (argc == 2)
		check_file(stdin);
	for (int i = 2; i < argc; i++) {
		FILE *file = fopen(argv[i], "re");
		if (!file)
			die("no file", argv[i]);
		check_file(file);
		fclose(file);
	}
	printf("%lu records, %lu faults\n", records, faults);
	return faults > 0 || (records == 0 && argc == 2);
}
