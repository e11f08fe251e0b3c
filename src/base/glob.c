/* SPDX-License-Identifier: ISC */
#include "base/glob.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"

#define PATTERN_MAX 4096

struct parser {
	struct glob *g;
	const unsigned char *p, *end;
};

static const struct {
	const char *name;
	const char *ranges; /* pairs: git knows ASCII only, whatever the locale */
} classes[] = {
	{ "alnum", "09AZaz" },
	{ "alpha", "AZaz" },
	{ "blank", "\t\t  " },
	{ "cntrl", "\001\037\177\177" },
	{ "digit", "09" },
	{ "graph", "!~" },
	{ "lower", "az" },
	{ "print", " ~" },
	{ "punct", "!/:@[`{~" },
	{ "space", "\t\r  " },
	{ "upper", "AZ" },
	{ "xdigit", "09AFaf" },
};

static const char unclosed[] = "has a [ without its ]";

static void
set_add(struct glob_set *set, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		set->bits[c / 64] |= UINT64_C(1) << c % 64;
}

bool
glob_set_has(const struct glob_set *set, unsigned char c)
{
	return set->bits[c / 64] >> c % 64 & 1;
}

/* No set matches a slash. */
static bool
set_finish(struct glob_set *set, bool negated)
{
	uint64_t any = 0;
	for (size_t i = 0; i < COUNTOF(set->bits); i++) {
		if (negated)
			set->bits[i] = ~set->bits[i];
	}
	set->bits['/' / 64] &= ~(UINT64_C(1) << '/' % 64);
	for (size_t i = 0; i < COUNTOF(set->bits); i++)
		any |= set->bits[i];
	return any != 0;
}

static bool
add_class(struct glob_set *set, const unsigned char *name, size_t len)
{
	for (size_t i = 0; i < COUNTOF(classes); i++) {
		if (strlen(classes[i].name) != len ||
		    memcmp(classes[i].name, name, len) != 0)
			continue;
		for (const char *r = classes[i].ranges; *r; r += 2)
			set_add(set, (unsigned char)r[0], (unsigned char)r[1]);
		return true;
	}
	return false;
}

/* At "[:" within a set.  *prev is what a range could begin with, 0 if nothing. */
static const char *
parse_class(struct parser *ps, struct glob_set *set, unsigned *prev)
{
	const unsigned char *name = ps->p + 2;
	const unsigned char *close = memchr(name, ']', (size_t)(ps->end - name));
	if (!close)
		return unclosed;
	if (close == name || close[-1] != ':') { /* "[[:a]" is a set of three */
		set_add(set, '[', '[');
		*prev = '[';
		ps->p++;
		return NULL;
	}
	if (!add_class(set, name, (size_t)(close - 1 - name)))
		return "has a class that is not known between [: and :]";
	*prev = 0;
	ps->p = close + 1;
	return NULL;
}

static const char *
parse_byte(struct parser *ps, unsigned *c)
{
	if (*ps->p == '\\')
		ps->p++;
	if (ps->p == ps->end)
		return unclosed;
	*c = *ps->p++;
	return NULL;
}

static const char *
parse_member(struct parser *ps, struct glob_set *set, unsigned *prev)
{
	const unsigned char *p = ps->p;
	bool more = p + 1 < ps->end;
	unsigned c;
	const char *error;
	if (*p == '[' && more && p[1] == ':')
		return parse_class(ps, set, prev);
	bool range = *p == '-' && *prev && more && p[1] != ']';
	if (range)
		ps->p++;
	error = parse_byte(ps, &c);
	if (error)
		return error;
	set_add(set, range ? *prev : c, c);
	*prev = range ? 0 : c;
	return NULL;
}

static void
add_token(struct glob *g, unsigned token)
{
	g->text[g->n_tokens] = token < 256 ? (char)token : '\0';
	g->tokens[g->n_tokens++] = (uint16_t)token;
}

static const char *
parse_set(struct parser *ps)
{
	struct glob *g = ps->g;
	struct glob_set set = { { 0 } };
	unsigned prev = 0;
	const char *error = NULL;
	bool negated = ++ps->p < ps->end && (*ps->p == '!' || *ps->p == '^');
	if (negated)
		ps->p++;
	const unsigned char *first = ps->p; /* a "]" here is meant */
	while (ps->p < ps->end && (*ps->p != ']' || ps->p == first) && !error)
		error = parse_member(ps, &set, &prev);
	if (error || ps->p == ps->end)
		return error ? error : unclosed;
	ps->p++;
	if (!set_finish(&set, negated))
		return "has a [...] that matches nothing";
	g->sets = xreallocarray(g->sets, g->n_sets + 1, sizeof(*g->sets));
	g->sets[g->n_sets] = set;
	add_token(g, TOKEN_SET + (unsigned)g->n_sets++);
	return NULL;
}

/* One token; stars that follow each other are one. */
static const char *
parse_token(struct parser *ps)
{
	struct glob *g = ps->g;
	switch (*ps->p) {
	case '[':
		return parse_set(ps);
	case '*':
		add_token(g, TOKEN_STAR);
		while (ps->p < ps->end && *ps->p == '*')
			ps->p++;
		return NULL;
	case '?':
		add_token(g, TOKEN_ANY);
		ps->p++;
		return NULL;
	case '\\':
		if (++ps->p == ps->end)
			return "ends in a backslash";
		/* FALLTHROUGH */
	default:
		add_token(g, *ps->p++);
		return NULL;
	}
}

static bool
is_literal(const uint16_t *tokens, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (tokens[i] >= 256)
			return false;
	}
	return true;
}

static enum glob_part_type
part_type(const uint16_t *tokens, size_t n)
{
	if (is_literal(tokens, n))
		return PART_LITERAL;
	if (tokens[n - 1] == TOKEN_STAR && is_literal(tokens, n - 1))
		return PART_PREFIX;
	if (tokens[0] == TOKEN_STAR && is_literal(tokens + 1, n - 1))
		return PART_SUFFIX;
	return PART_WILD;
}

static bool
at_slash(const struct parser *ps)
{
	const unsigned char *p = ps->p;
	return *p == '/' || (*p == '\\' && p + 1 < ps->end && p[1] == '/');
}

static void
add_part(struct glob *g, enum glob_part_type type, size_t at)
{
	g->parts = xreallocarray(g->parts, g->n_parts + 1, sizeof(*g->parts));
	g->parts[g->n_parts++] =
	    (struct glob_part){ type, (uint16_t)at, (uint16_t)(g->n_tokens - at) };
}

static bool
is_dots(const char *text, size_t n, enum glob_part_type type)
{
	return type == PART_LITERAL && n <= 2 && memcmp(text, "..", n) == 0;
}

static const char *
parse_part(struct parser *ps)
{
	struct glob *g = ps->g;
	const unsigned char *start = ps->p;
	size_t at = g->n_tokens;
	const char *error = NULL;
	while (ps->p < ps->end && !at_slash(ps) && !error)
		error = parse_token(ps);
	size_t n = g->n_tokens - at;
	if (error)
		return error;
	if (n == 0)
		return "has an empty name between slashes, which matches nothing";
	enum glob_part_type type = part_type(g->tokens + at, n);
	if (is_dots(g->text + at, n, type))
		return "has a name . or .., which matches nothing (paths begin at the "
		       "root)";
	bool stars = n == 1 && g->tokens[at] == TOKEN_STAR && ps->p - start > 1;
	if (!stars || !g->anchored) {
		add_part(g, type, at);
		return NULL;
	}
	add_part(g, PART_GLOBSTAR, at);
	if (ps->p == ps->end) /* "a/" then "**" is what is below a, not a itself */
		add_part(g, PART_PREFIX, at);
	return NULL;
}

static const char *
parse_parts(struct parser *ps)
{
	for (;;) {
		const char *error = parse_part(ps);
		if (error || ps->p == ps->end)
			return error;
		ps->p += *ps->p == '/' ? 1 : 2;
		if (ps->p == ps->end)
			return "ends in more than one slash, which matches nothing";
	}
}

const char *
glob_parse(struct glob *g, const char *pattern, size_t len)
{
	struct parser ps = { .g = g, .p = (const unsigned char *)pattern };
	ps.end = ps.p + len;
	if (len > PATTERN_MAX)
		return "is longer than 4096 bytes";
	g->negated = len > 0 && *ps.p == '!';
	ps.p += g->negated;
	g->dir_only = ps.p < ps.end && ps.end[-1] == '/';
	ps.end -= g->dir_only;
	if (ps.p == ps.end)
		return "is empty";
	g->anchored = memchr(ps.p, '/', (size_t)(ps.end - ps.p)) != NULL;
	ps.p += *ps.p == '/';
	if (ps.p == ps.end)
		return "is empty";
	g->tokens = xreallocarray(NULL, len, sizeof(*g->tokens));
	g->text = xmalloc(len);
	return parse_parts(&ps);
}

void
glob_release(struct glob *g)
{
	free(g->pattern);
	free(g->parts);
	free(g->tokens);
	free(g->text);
	free(g->sets);
}

const char *
glob_check(const char *pattern)
{
	struct glob g = { .pattern = NULL };
	const char *error = glob_parse(&g, pattern, strlen(pattern));
	glob_release(&g);
	return error;
}
