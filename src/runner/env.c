/* SPDX-License-Identifier: ISC */
#include "runner/env.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static char **
find(const struct env *env, const char *name, size_t len)
{
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return &env->v[i];
	}
	return NULL;
}

/* Takes pair. */
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

/* Takes pair. */
static void
replace(struct env *env, char *pair)
{
	char **at = find(env, pair, strcspn(pair, "="));
	if (!at) {
		add(env, pair);
		return;
	}
	free(*at);
	*at = pair;
}

void
env_init(struct env *env, char *const *inherited)
{
	*env = (struct env){ NULL, 0, 0 };
	for (; inherited && *inherited; inherited++) {
		if (is_for_jobs(*inherited))
			add(env, xstrdup(*inherited));
	}
}

void
env_release(struct env *env)
{
	for (size_t i = 0; i < env->n; i++)
		free(env->v[i]);
	free(env->v);
	*env = (struct env){ NULL, 0, 0 };
}

void
env_set(struct env *env, const char *name, const char *value)
{
	replace(env, xasprintf("%s=%s", name, value));
}

void
env_setf(struct env *env, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	env_set(env, name, value);
}

void
env_put(struct env *env, const char *pair)
{
	if (strchr(pair, '='))
		replace(env, xstrdup(pair));
}

const char *
env_get(const struct env *env, const char *name)
{
	char **at = find(env, name, strlen(name));
	return at ? *at + strlen(name) + 1 : NULL;
}
