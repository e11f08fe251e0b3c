/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
/*
 * Lists of gitignore(5) patterns, and matching.
 *
 * Matching goes over the path once, with one place to come back to: the last
 * "*" of a part, and the last "**" among parts.  An earlier star never has to
 * be tried again, as whatever it gives up the later one can take.  So the time
 * is bounded by length of pattern times length of path, and nothing recurs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/xmalloc.h"
#include "policy/filter.h"

struct globs {
	struct glob *v;
	size_t n, cap;
	bool positive; /* one at least is without "!" */
	/* What a name that matches begins or ends with; unless a pattern is such
	   that it says nothing of either. */
	struct glob_set first, last;
	bool any;
};

struct globs *
globs_new(const struct strlist *list)
{
	struct globs *globs = xcalloc(1, sizeof(*globs));
	for (size_t i = 0; list && i < list->n; i++)
		globs_add(globs, list->v[i], strlen(list->v[i]), 0);
	return globs;
}

void
globs_free(struct globs *globs)
{
	if (!globs)
		return;
	for (size_t i = 0; i < globs->n; i++)
		glob_release(&globs->v[i]);
	free(globs->v);
	free(globs);
}

static void
set_add(struct glob_set *set, char c)
{
	set->bits[(unsigned char)c / 64] |= UINT64_C(1) << (unsigned char)c % 64;
}

static void
note_edge(struct globs *globs, const struct glob *g)
{
	const struct glob_part *part = g->parts;
	const char *text = g->anchored ? NULL : g->text + part->at;
	if (text && part->type == PART_SUFFIX && part->n > 1)
		set_add(&globs->last, text[part->n - 1]);
	else if (text && (part->type == PART_PREFIX || part->type == PART_LITERAL) &&
	    part->n > (part->type == PART_PREFIX))
		set_add(&globs->first, text[0]);
	else
		globs->any = true;
}

const char *
globs_add(struct globs *globs, const char *pattern, size_t len, unsigned line)
{
	struct glob g = { .pattern = NULL };
	const char *error = glob_parse(&g, pattern, len);
	if (error) {
		glob_release(&g);
		return error;
	}
	g.pattern = xstrndup(pattern, len);
	g.line = line;
	if (globs->n == globs->cap) {
		globs->cap = globs->cap ? globs->cap * 2 : 8;
		globs->v = xreallocarray(globs->v, globs->cap, sizeof(*globs->v));
	}
	globs->v[globs->n++] = g;
	note_edge(globs, &g);
	globs->positive |= !g.negated;
	return NULL;
}

static bool
token_matches(const struct glob *g, unsigned token, unsigned char c)
{
	if (token < 256)
		return token == c;
	return token == TOKEN_ANY || glob_set_has(&g->sets[token - TOKEN_SET], c);
}

static bool
wild_matches(
    const struct glob *g, const struct glob_part *part, const char *s, size_t len)
{
	const uint16_t *t = g->tokens + part->at, *last = t + part->n, *star = NULL;
	const char *end = s + len, *star_s = s;
	while (s < end) {
		if (t < last && *t == TOKEN_STAR) {
			star = ++t;
			star_s = s;
		} else if (t < last && token_matches(g, *t, (unsigned char)*s)) {
			t++;
			s++;
		} else if (star) {
			t = star;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (t < last && *t == TOKEN_STAR)
		t++;
	return t == last;
}

static bool
part_matches(
    const struct glob *g, const struct glob_part *part, const char *s, size_t len)
{
	const char *text = g->text + part->at;
	size_t n = part->n;
	switch (part->type) {
	case PART_LITERAL:
		return len == n && memcmp(s, text, n) == 0;
	case PART_PREFIX:
		return len >= n - 1 && memcmp(s, text, n - 1) == 0;
	case PART_SUFFIX:
		return len >= n - 1 && memcmp(s + len - (n - 1), text + 1, n - 1) == 0;
	case PART_WILD:
		return wild_matches(g, part, s, len);
	case PART_GLOBSTAR:
		break;
	}
	return true;
}

/* What follows the name that s begins with, and its slash. */
static const char *
next_name(const char *s, const char *end, size_t *len)
{
	const char *slash = memchr(s, '/', (size_t)(end - s));
	*len = (size_t)((slash ? slash : end) - s);
	return slash ? slash + 1 : end;
}

static bool
path_matches(const struct glob *g, const char *path, size_t path_len)
{
	const struct glob_part *part = g->parts, *last = part + g->n_parts, *star = NULL;
	const char *s = path, *end = path + path_len, *star_s = path;
	size_t len;
	while (s < end) {
		if (part < last && part->type == PART_GLOBSTAR) {
			star = ++part;
			star_s = s;
			continue;
		}
		const char *next = next_name(s, end, &len);
		if (part < last && part_matches(g, part, s, len)) {
			part++;
			s = next;
		} else if (star) {
			part = star;
			s = star_s = next_name(star_s, end, &len);
		} else {
			return false;
		}
	}
	return part == last;
}

/* The last component of a path. */
static const char *
name_of(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	return slash ? slash + 1 : path;
}

static bool
glob_matches(
    const struct glob *g, const char *path, size_t len, const char *name, bool is_dir)
{
	if (g->dir_only && !is_dir)
		return false;
	if (g->anchored)
		return path_matches(g, path, len);
	return part_matches(g, g->parts, name, (size_t)(path + len - name));
}

/* Mostly nothing matches, and that is seen at once. */
static bool
may_match(const struct globs *globs, const char *name, const char *end)
{
	return globs->any || name == end ||
	    glob_set_has(&globs->first, (unsigned char)*name) ||
	    glob_set_has(&globs->last, (unsigned char)end[-1]);
}

bool
globs_find(const struct globs *globs, const char *path, size_t len, bool is_dir,
    struct glob_hit *hit)
{
	const char *name = name_of(path, len);
	if (!may_match(globs, name, path + len))
		return false;
	for (size_t i = globs->n; i-- > 0;) {
		const struct glob *g = &globs->v[i];
		if (!glob_matches(g, path, len, name, is_dir))
			continue;
		*hit = (struct glob_hit){ g->pattern, g->line, g->negated };
		return true;
	}
	return false;
}

/* Does g match path or a directory above it? */
static bool
matches_above(const struct glob *g, const char *path, size_t len, bool is_dir)
{
	if (glob_matches(g, path, len, name_of(path, len), is_dir))
		return true;
	for (const char *slash; (slash = memrchr(path, '/', len)) != NULL;) {
		len = (size_t)(slash - path);
		if (glob_matches(g, path, len, name_of(path, len), true))
			return true;
	}
	return false;
}

bool
globs_match(const struct globs *globs, const char *path, size_t len, bool is_dir)
{
	for (size_t i = globs->n; i-- > 0;) {
		if (matches_above(&globs->v[i], path, len, is_dir))
			return !globs->v[i].negated;
	}
	return !globs->positive;
}
