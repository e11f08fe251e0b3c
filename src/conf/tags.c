/* SPDX-License-Identifier: ISC */
#include "conf/tags.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/xmalloc.h"
#include "conf/argv.h"

static char **
find(const struct strlist *tags, const char *name, size_t len)
{
	for (size_t i = 0; i < tags->n; i++)
		if (strncmp(tags->v[i], name, len) == 0 && tags->v[i][len] == '=')
			return &tags->v[i];
	return NULL;
}

void
tags_set(struct strlist *tags, const char *name, size_t len, const char *value)
{
	char *tag = xasprintf("%.*s=%s", (int)len, name, value);
	char **at = find(tags, name, len);
	if (at) {
		free(*at);
		*at = tag;
		return;
	}
	strlist_add(tags, tag);
	free(tag);
}

void
tags_set_ids(struct strlist *tags, const char *lines)
{
	static const char *const ids[] = { "tenant_id", "user_id", "session_id" };
	char *copy = xstrdup(lines), *rest = copy, *line;
	while ((line = strsep(&rest, "\n"))) {
		size_t len = strcspn(line, "=");
		for (size_t i = 0; i < COUNTOF(ids); i++)
			if (len == strlen(ids[i]) && strncmp(line, ids[i], len) == 0 &&
			    line[len] == '=' && line[len + 1] != '\0')
				tags_set(tags, ids[i], len, line + len + 1);
	}
	free(copy);
}

const char *
tags_get(const struct strlist *tags, const char *name)
{
	char **at = find(tags, name, strlen(name));
	return at ? strchr(*at, '=') + 1 : NULL;
}

/* A pair that is not there already goes in, or, with over, each. */
static void
take(struct strlist *tags, const char *name, const char *value, bool over)
{
	if (value && *value && (over || !find(tags, name, strlen(name))))
		tags_set(tags, name, strlen(name), value);
}

/* "k=v,k=v"; what is no pair is left out: the option's check has refused it. */
static void
take_pairs(struct strlist *tags, const char *text, bool over)
{
	char *copy = xstrdup(text ? text : ""), *rest = copy, *pair;
	while ((pair = strsep(&rest, ","))) {
		char *value = strchr(pair, '=');
		if (!value || value == pair)
			continue;
		*value = '\0';
		take(tags, pair, value + 1, over);
	}
	free(copy);
}

/* Of two of one name in the file the last one holds. */
static void
drop_repeated(struct strlist *tags)
{
	struct strlist once = { NULL, 0 };
	for (size_t i = 0; i < tags->n; i++) {
		size_t len = strcspn(tags->v[i], "=");
		tags_set(&once, tags->v[i], len, tags->v[i] + len + 1);
	}
	strlist_release(tags);
	*tags = once;
}

void
tags_merge(struct config *c)
{
	drop_repeated(&c->tags);
	take(&c->tags, "tenant_id", c->tenant_id, true);
	take(&c->tags, "user_id", c->user_id, true);
	take(&c->tags, "session_id", c->session_id, true);
	take_pairs(&c->tags, c->metadata, true);
	take(&c->tags, "tenant_id", getenv("FILEMON_TENANT_ID"), false);
	take(&c->tags, "user_id", getenv("FILEMON_USER_ID"), false);
	take(&c->tags, "session_id", getenv("FILEMON_SESSION_ID"), false);
	take_pairs(&c->tags, getenv("FILEMON_METADATA"), false);
}
