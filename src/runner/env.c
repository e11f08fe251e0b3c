/* SPDX-License-Identifier: ISC */
#include "runner/env.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"

/* A name, or with a "*" at its end the beginning of names. */
static const char *const not_for_jobs[] = {
	"NOTIFY_SOCKET",
	"LISTEN_*",
	"WATCHDOG_*",
	"FILEMON_*",
};

static bool
matches(const char *pattern, const char *pair)
{
	if (pattern[0] != pair[0])
		return false;
	size_t n = strcspn(pattern, "*");
	return strncmp(pattern, pair, n) == 0 && (pattern[n] == '*' || pair[n] == '=');
}

static bool
is_for_jobs(const char *pair)
{
	for (size_t i = 0; i < COUNTOF(not_for_jobs); i++) {
		if (matches(not_for_jobs[i], pair))
			return false;
	}
	return true;
}

/* env->n where there is none.  Most differ in their first letters. */
static size_t
find(const struct env *env, const char *name, size_t len)
{
	size_t i = 0;
	while (i < env->n &&
	    (env->v[i][0] != name[0] || strncmp(env->v[i], name, len) != 0 ||
		env->v[i][len] != '='))
		i++;
	return i;
}

static void
add(struct env *env, char *pair)
{
	if (env->n + 1 >= env->cap) {
		env->cap = env->cap > 0 ? 2 * env->cap : 64;
		env->v = xreallocarray(env->v, env->cap, sizeof(*env->v));
	}
	env->v[env->n++] = pair;
	env->v[env->n] = NULL;
}

/* Takes pair, whose name is so long. */
static void
replace(struct env *env, char *pair, size_t len)
{
	size_t i = find(env, pair, len);
	if (i == env->n) {
		add(env, pair);
	} else if (i < env->borrowed) {
		/* The last of the borrowed ones goes to its place. */
		env->v[i] = env->v[--env->borrowed];
		env->v[env->borrowed] = pair;
	} else {
		free(env->v[i]);
		env->v[i] = pair;
	}
}

void
env_init(struct env *env, char *const *inherited)
{
	*env = (struct env){ NULL, 0, 0, 0 };
	for (; inherited && *inherited; inherited++) {
		if (is_for_jobs(*inherited))
			add(env, *inherited);
	}
	env->borrowed = env->n;
}

void
env_release(struct env *env)
{
	for (size_t i = env->borrowed; i < env->n; i++)
		free(env->v[i]);
	free(env->v);
	*env = (struct env){ NULL, 0, 0, 0 };
}

void
env_set(struct env *env, const char *name, const char *value)
{
	size_t len = strlen(name), size = strlen(value) + 1;
	char *pair = xmalloc(len + 1 + size);
	memcpy(pair, name, len);
	pair[len] = '=';
	memcpy(pair + len + 1, value, size);
	replace(env, pair, len);
}

void
env_seti(struct env *env, const char *name, int64_t value)
{
	struct buf text = BUF_INIT;
	buf_addi(&text, value);
	env_set(env, name, text.p);
	buf_release(&text);
}

void
env_put(struct env *env, const char *pair)
{
	size_t len = strcspn(pair, "=");
	if (pair[len] == '=')
		replace(env, xstrdup(pair), len);
}

const char *
env_get(const struct env *env, const char *name)
{
	size_t len = strlen(name), i = find(env, name, len);
	return i < env->n ? env->v[i] + len + 1 : NULL;
}
