/* SPDX-License-Identifier: ISC */
#include "conf/fault.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

enum { NAME_MAX_LEN = FAULT_NAME_SIZE - 1 };

/* Messages with a name in them: what they become is put around it. */
static const struct {
	const char *said, *before, *after;
} phrases[] = {
	{ "missing title for section '", "no name: ", " NAME { ... } is wanted" },
	{ "missing opening brace for section '",
	    "no brace behind its name, one word: ", " NAME { ... } is wanted" },
	{ "missing equal sign after option '", "no equal sign: ", " = value is wanted" },
};

void
fault_unknown(enum option_scope scope, const char *name, char *out, size_t size)
{
	const char *near = option_near(scope, name);
	const char *kind = option_scope_name(scope);
	if (scope == OPTION_TOP && option_find(OPTION_HANDLER, name))
		snprintf(out, size, "unknown here: it belongs in a handler's section");
	else if (scope == OPTION_TOP && option_find(OPTION_ALERT, name))
		snprintf(out, size, "unknown here: it belongs in an alert's section");
	else if (scope == OPTION_TOP && option_find(OPTION_SINK, name))
		snprintf(out, size, "unknown here: it belongs in a sink's section");
	else if (kind && option_find(OPTION_TOP, name))
		snprintf(
		    out, size, "unknown here: it belongs outside the %s's section", kind);
	else if (near)
		snprintf(out, size, "unknown option: did you mean '%s'?", near);
	else
		snprintf(out, size, "unknown option: see filemon.conf(5)");
}

/* "settle: 5s" is what other programs read. */
static bool
describe_colon(const char *name, char *out, size_t size)
{
	size_t len = strcspn(name, ":");
	char bare[NAME_MAX_LEN + 1];
	bool known = false;
	if (name[len] == '\0' || len > NAME_MAX_LEN)
		return false;
	snprintf(bare, sizeof(bare), "%.*s", (int)len, name);
	for (int i = OPTION_TOP; i < OPTION_SCOPE_COUNT; i++)
		known = known || option_find((enum option_scope)i, bare) != NULL;
	if (known)
		snprintf(
		    out, size, "%s: ':' sets no value: %s = value is wanted", bare, bare);
	return known;
}

/* "5 s" is a value and a name. */
static bool
describe_unit(const char *name, char *out, size_t size)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", "K", "M", "G", "T",
		"P" };
	for (size_t i = 0; i < COUNTOF(units); i++) {
		if (strcmp(units[i], name) != 0)
			continue;
		snprintf(out, size,
		    "%s: unknown option: a number and its unit stand without a space, "
		    "like 5%s",
		    name, name);
		return true;
	}
	return false;
}

/* The word before the '=' at p; "" where there is none. */
static void
word_before(const char *text, const char *p, char *name, size_t size)
{
	const char *end;
	while (p > text && isspace((unsigned char)p[-1]))
		p--;
	for (end = p; p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '-');)
		p--;
	snprintf(name, size, "%.*s", (int)(end - p), p);
}

bool
fault_in_value(enum option_scope scope, const char *text, const char *said,
    struct fault_value *fault)
{
	bool at_end = strcmp(said, "premature end of file") == 0;
	char wanted = at_end ? '\0' : '{';
	unsigned line = 1;
	const struct option *row;
	if (!at_end && strcmp(said, "unexpected token '{'") != 0)
		return false;
	for (const char *p = text; *p != '\0'; line += *p++ == '\n') {
		if (*p != '=' || p[1 + strspn(p + 1, " \t\r\n")] != wanted ||
		    (!at_end && line != fault->line))
			continue;
		word_before(text, p, fault->name, sizeof(fault->name));
		row = option_find(scope, fault->name);
		if (!row || (!at_end && option_is_list(row)))
			continue;
		fault->line = line;
		fault->words = at_end ? "no value: the file ends behind '='"
				      : "one value is wanted, no list";
		return true;
	}
	return false;
}

static void
describe_token(const char *token, char *out, size_t size)
{
	if (strcmp(token, "=") == 0)
		snprintf(out, size,
		    "unexpected '=': no name is before it, or the option above has no "
		    "value");
	else
		snprintf(out, size,
		    "unexpected '%s': name = value, or name = { \"a\", \"b\" }, is "
		    "wanted",
		    token);
}

static void
describe_named(
    enum option_scope scope, const char *said, const char *name, char *out, size_t size)
{
	int used = snprintf(out, size, "%s: ", name);
	if (strncmp(said, "no such option", 14) == 0) {
		if (!describe_colon(name, out, size) && !describe_unit(name, out, size))
			fault_unknown(scope, name, out + used, size - (size_t)used);
		return;
	}
	for (size_t i = 0; i < COUNTOF(phrases); i++)
		if (strncmp(said, phrases[i].said, strlen(phrases[i].said)) == 0)
			snprintf(out, size, "%s: %s%s%s", name, phrases[i].before, name,
			    phrases[i].after);
}

/* What stands in quotes, which may have some itself. */
static bool
quoted_name(const char *said, char name[NAME_MAX_LEN + 1])
{
	const char *first = strchr(said, '\''), *last = strrchr(said, '\'');
	if (!first || first == last)
		return false;
	snprintf(name, NAME_MAX_LEN + 1, "%.*s", (int)(last - first - 1), first + 1);
	return true;
}

void
fault_describe(enum option_scope scope, const char *said, char *out, size_t size)
{
	char name[NAME_MAX_LEN + 1];
	snprintf(out, size, "%s", said);
	if (strcmp(said, "premature end of file") == 0)
		snprintf(out, size,
		    "the end comes too early: a value or a closing brace is missing");
	else if (strcmp(said, "unexpected closing brace") == 0)
		snprintf(out, size, "a closing brace too many: no section is open");
	else if (!quoted_name(said, name))
		return;
	else if (strncmp(said, "unexpected token", 16) == 0)
		describe_token(name, out, size);
	else
		describe_named(scope, said, name, out, size);
}

int
fault_of_name(enum option_scope scope, const char *name, char *error, size_t size)
{
	size_t len = strlen(name);
	bool fit = len > 0 && len <= NAME_MAX_LEN;
	for (size_t i = 0; fit && i < len; i++)
		fit = isalnum((unsigned char)name[i]) || name[i] == '_' || name[i] == '-';
	if (!fit)
		snprintf(error, size,
		    "'%.64s' is no name for a %s: letters, digits, '-' and '_' are "
		    "wanted, at most %d",
		    name, option_scope_name(scope), NAME_MAX_LEN);
	return fit ? 0 : -1;
}
