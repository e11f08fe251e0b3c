/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_GLOB_H
#define FILEMON_BASE_GLOB_H

/*
 * One gitignore(5) pattern as it is matched: parts, what stands between its
 * slashes, and a part as tokens: a byte, "?", "*", or a set.  For glob.c, which
 * makes it, and policy/globs.c, which matches.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below 256 a token is that byte; from TOKEN_SET on it is a set. */
enum { TOKEN_ANY = 256, TOKEN_STAR, TOKEN_SET };

struct glob_set {
	uint64_t bits[4];
};

enum glob_part_type {
	PART_LITERAL,
	PART_PREFIX, /* literal, then a star */
	PART_SUFFIX, /* a star, then literal */
	PART_WILD,
	PART_GLOBSTAR,
};

struct glob_part {
	enum glob_part_type type;
	uint16_t at, n; /* in tokens and text */
};

struct glob {
	char *pattern; /* as it was written */
	unsigned line;
	bool negated, dir_only;
	bool anchored; /* to the root of the list: has a slash */
	struct glob_part *parts;
	size_t n_parts;
	uint16_t *tokens;
	char *text; /* tokens that are bytes, at the same index */
	size_t n_tokens;
	struct glob_set *sets;
	size_t n_sets;
};

/* Fills *g (but for pattern and line), or says what is wrong; either way it is
   released by glob_release. */
const char *glob_parse(struct glob *g, const char *pattern, size_t len);
void glob_release(struct glob *);
/* NULL if pattern can be used, else what is wrong with it. */
const char *glob_check(const char *pattern);
bool glob_set_has(const struct glob_set *, unsigned char);

#endif
