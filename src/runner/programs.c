/* SPDX-License-Identifier: ISC */
#include "runner/programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "conf/config.h"
#include "runner/env.h"
#include "runner/spawn.h"

extern char **environ;

/* A section, as far as its programs are looked for. */
struct owner {
	const struct config *config;
	const char *kind, *name;
	const char *cwd; /* NULL: the project */
	const struct strlist *env;
	void (*say)(const char *line);
};

static char *
place_of(const struct owner *owner, const char *program)
{
	const char *cwd = owner->cwd != NULL ? owner->cwd : owner->config->project;

	if (program[0] == '/' || strchr(program, '/') == NULL)
		return xstrdup(program);
	return xasprintf("%s/%s", cwd, program);
}

/* 0, or errno. */
static int
find(const struct owner *owner, const char *program)
{
	char *place = place_of(owner, program);
	struct env env;
	int error;

	env_init(&env, environ);
	for (size_t i = 0; owner->env != NULL && i < owner->env->n; i++)
		env_put(&env, owner->env->v[i]);
	error = spawn_find(place, env.v);
	env_release(&env);
	free(place);
	return error;
}

static void
check(const struct owner *owner, const char *option, const struct strlist *command)
{
	struct buf line = BUF_INIT;
	const char *program;
	int error;

	if (command->n == 0 || strchr(command->v[0], '{') != NULL)
		return;
	program = command->v[0];
	error = find(owner, program);
	if (error == 0)
		return;
	buf_addf(&line, "%s %s: %s: %s: ", owner->kind, owner->name, option, program);
	buf_adds(&line,
	    error == ENOENT && strchr(program, '/') == NULL ? "not found in PATH"
							    : strerror(error));
	buf_adds(&line, " (until it is there, it cannot be run)");
	owner->say(line.p);
	buf_release(&line);
}

void
programs_check(const struct config *config, void (*say)(const char *line))
{
	for (size_t i = 0; i < config->n_handlers; i++) {
		const struct handler_config *h = &config->handlers[i];
		const struct owner owner = { config, "handler", h->name, h->cwd, &h->env,
			say };

		check(&owner, "load", &h->load);
		check(&owner, "remove-file", &h->remove_file);
		check(&owner, "move", &h->move);
	}
	for (size_t i = 0; i < config->n_sinks; i++) {
		const struct sink_config *s = &config->sinks[i];
		const struct owner owner = { config, "sink", s->name, s->cwd, &s->env,
			say };

		check(&owner, "command", &s->command);
	}
	for (size_t i = 0; i < config->n_alerts; i++) {
		const struct alert_config *a = &config->alerts[i];
		const struct owner owner = { config, "alert", a->name, NULL, NULL, say };

		check(&owner, "on-alert", &a->command);
	}
}
