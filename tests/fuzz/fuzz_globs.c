/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * glob_check and globs_match: lines of patterns, an empty line, lines of paths.
 * What is refused is never taken, a list and its last pattern agree, and a path
 * is matched whether or not there is a byte behind it.
 */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "policy/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATTERNS_MAX = 32, PATHS_MAX = 32 };

static void
add(struct globs *globs, const char *pattern)
{
	const char *refused = glob_check(pattern);
	const char *error = globs_add(globs, pattern, strlen(pattern), 1);
	assert(!refused == !error);
}

static void
match(const struct globs *globs, const char *path, bool is_dir)
{
	size_t len = strlen(path);
	struct glob_hit hit = { NULL, 0, false };
	char *exact = malloc(len);
	memcpy(exact, path, len);
	bool found = globs_find(globs, exact, len, is_dir, &hit);
	bool above = globs_match(globs, exact, len, is_dir);
	assert(!found || hit.pattern);
	assert(!found || !hit.negated || hit.pattern[0] == '!');
	/* Without a directory above there is nothing but the path itself. */
	if (found && !memchr(exact, '/', len))
		assert(above == !hit.negated);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text;
	struct globs *globs = globs_new(NULL);
	char *line;
	for (int n = 0; n < PATTERNS_MAX && (line = strsep(&rest, "\n")) && *line; n++)
		add(globs, line);
	for (int n = 0; n < PATHS_MAX && (line = strsep(&rest, "\n")); n++) {
		if (*line == '\0')
			continue;
		match(globs, line, false);
		match(globs, line, true);
	}
	globs_free(globs);
	free(text);
	return 0;
}
