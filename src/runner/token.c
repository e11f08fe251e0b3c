/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/token.h"

#include <ev.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/helper.h"
#include "base/xmalloc.h"
#include "runner/env.h"
#include "runner/jobs.h"

extern char **environ;

#define TIMEOUT_MS (30 * 1000)
#define GRACE_MS 2000
/* What was made in pieces is whole after this. */
#define SETTLE_S 0.1
/* That the check cannot be begun, or is broken off, is no answer: it is tried again. */
#define RETRY_S 60
/* The clock may be set meanwhile: it is looked at again after this at most. */
#define LOOK_MAX_S 3600

struct token {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct token_hooks hooks;
	char *file, *key; /* NULL: not configured */
	uint64_t job;	  /* the check that runs; 0: none */
	bool again;	  /* the file changed during it */
	struct ev_stat file_stat, key_stat;
	struct ev_timer due;
};

static void
arm(struct token *token, double seconds)
{
	ev_timer_stop(token->loop, &token->due);
	ev_now_update(token->loop);
	ev_timer_set(&token->due, seconds, 0.);
	ev_timer_start(token->loop, &token->due);
}

/* The next look at one that expires. */
static void
wait_for_end(struct token *token, const char *text)
{
	const char *exp = strstr(text, "exp=");
	long end = exp ? strtol(exp + 4, NULL, 10) : 0;
	double left = (double)end - (double)time(NULL) + 1;
	if (end == 0)
		return;
	if (left < 1)
		left = 1;
	arm(token, left > LOOK_MAX_S ? LOOK_MAX_S : left);
}

/* What the check says, or why it says nothing; the caller frees. */
static char *
answer_of(const struct job_result *result)
{
	if (*result->text)
		return xstrdup(result->text);
	if (result->outcome == WIRE_TIMEOUT)
		return xasprintf(
		    "filemon-token did not end within %d s", TIMEOUT_MS / 1000);
	if (result->outcome == WIRE_SIGNAL)
		return xasprintf("filemon-token: signal %d (%s)", result->code,
		    strsignal(result->code));
	char *text = xstrndup(result->output, result->output_len);
	if (result->code == 0)
		return text;
	text[strcspn(text, "\n")] = '\0';
	if (*text)
		return text;
	free(text);
	return xasprintf("filemon-token: exit %d", result->code);
}

static void
on_ended(void *ctx, const struct job_result *result)
{
	struct token *token = ctx;
	bool answered = result->outcome == WIRE_EXIT;
	bool valid = answered && result->code == 0;
	char *text = answer_of(result);
	token->job = 0;
	if (valid)
		wait_for_end(token, text);
	token->hooks.told(token->hooks.ctx, valid ? 0 : 1, text);
	free(text);
	if (!answered)
		arm(token, RETRY_S);
	if (token->again)
		arm(token, SETTLE_S);
	token->again = false;
}

static void
verify(struct token *token)
{
	const struct job_owner owner = { NULL, on_ended, token };
	char *program = helper_path("filemon-token");
	char *argv[] = { program, token->key, token->file, NULL };
	struct spawn_error error;
	struct env env;
	char text[256];
	env_init(&env, environ);
	struct job_spec spec = {
		.id = jobs_own_id(token->jobs),
		.subject = "token",
		.argv = argv,
		.env = &env,
		.timeout_ms = TIMEOUT_MS,
		.grace_ms = GRACE_MS,
		.owner = &owner,
	};
	token->job = spec.id;
	if (jobs_start(token->jobs, &spec, &error) == -1) {
		token->job = 0;
		spawn_error_format(&error, program, text, sizeof(text));
		token->hooks.told(token->hooks.ctx, 1, text);
		arm(token, RETRY_S);
	}
	env_release(&env);
	free(program);
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct token *token = timer->data;
	if (token->job != 0)
		token->again = true;
	else
		verify(token);
}

static void
on_change(struct ev_loop *loop, struct ev_stat *stat, int events)
{
	(void)loop, (void)events;
	arm(stat->data, SETTLE_S);
}

struct token *
token_new(struct ev_loop *loop, struct jobs *jobs, const struct token_hooks *hooks)
{
	struct token *token = xcalloc(1, sizeof(*token));
	token->loop = loop;
	token->jobs = jobs;
	token->hooks = *hooks;
	ev_init(&token->due, on_due);
	ev_init(&token->file_stat, on_change);
	ev_init(&token->key_stat, on_change);
	token->due.data = token->file_stat.data = token->key_stat.data = token;
	return token;
}

void
token_stop(struct token *token)
{
	ev_timer_stop(token->loop, &token->due);
	ev_stat_stop(token->loop, &token->file_stat);
	ev_stat_stop(token->loop, &token->key_stat);
	if (token->job != 0)
		jobs_abandon(token->jobs, token->job);
	token->job = 0;
	token->again = false;
}

void
token_free(struct token *token)
{
	if (!token)
		return;
	token_stop(token);
	free(token->file);
	free(token->key);
	free(token);
}

static bool
is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void
token_configure(struct token *token, const struct config *config)
{
	if (is_same(token->file, config->token_file) &&
	    is_same(token->key, config->token_key))
		return;
	token_stop(token);
	free(token->file);
	free(token->key);
	token->file = config->token_file ? xstrdup(config->token_file) : NULL;
	token->key = config->token_key ? xstrdup(config->token_key) : NULL;
	if (!token->file || !token->key) {
		token->hooks.told(token->hooks.ctx, 0, "");
		return;
	}
	ev_stat_set(&token->file_stat, token->file, 0.);
	ev_stat_set(&token->key_stat, token->key, 0.);
	ev_stat_start(token->loop, &token->file_stat);
	ev_stat_start(token->loop, &token->key_stat);
	verify(token);
}
