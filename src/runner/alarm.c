/* SPDX-License-Identifier: ISC */
#include "runner/alarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/config.h"
#include "runner/env.h"
#include "runner/jobs.h"
#include "wire/wire.h"

#define GRACE_MS 2000

extern char **environ;

struct running {
	uint64_t id;
	char *alert;
};

struct alarms {
	struct jobs *jobs;
	struct job_owner owner;
	struct running running[ALARMS_MAX];
	size_t n;
};

static void
on_started(void *ctx, pid_t pid)
{
	(void)ctx;
	(void)pid;
}

static void
say_failed(const char *alert, const struct job_result *result)
{
	if (result->outcome == WIRE_EXEC_FAILED)
		log_warnx("alert %s: on-alert: cannot be run: %s", alert, result->text);
	else if (result->outcome == WIRE_TIMEOUT)
		log_warnx("alert %s: on-alert: did not end within %d s (it was ended)",
		    alert, ALARM_TIMEOUT_MS / 1000);
	else if (result->outcome != WIRE_CUT &&
	    (result->outcome != WIRE_EXIT || result->code != 0))
		log_warnx("alert %s: on-alert: failed (%s %d)", alert,
		    result->outcome == WIRE_EXIT ? "exit" : "signal", (int)result->code);
}

static void
drop(struct alarms *a, size_t i)
{
	free(a->running[i].alert);
	a->running[i] = a->running[--a->n];
}

static void
on_ended(void *ctx, const struct job_result *result)
{
	struct alarms *a = ctx;
	size_t i = 0;

	while (i < a->n && a->running[i].id != result->id)
		i++;
	if (i == a->n)
		return;
	say_failed(a->running[i].alert, result);
	drop(a, i);
}

struct alarms *
alarms_new(struct jobs *jobs)
{
	struct alarms *a = xcalloc(1, sizeof(*a));

	a->jobs = jobs;
	a->owner =
	    (struct job_owner){ .started = on_started, .ended = on_ended, .ctx = a };
	return a;
}

void
alarms_free(struct alarms *a)
{
	while (a->n > 0)
		drop(a, 0);
	free(a);
}

static const struct alert_config *
find(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_alerts; i++)
		if (strcmp(config->alerts[i].name, name) == 0)
			return &config->alerts[i];
	return NULL;
}

static void
start(struct alarms *a, const struct config *config, const struct alert_config *alert,
    const struct argv_alert *values)
{
	struct spawn_error why;
	struct env env;
	char text[256], **argv = argv_build_alert(&alert->command, values);
	struct job_spec spec = {
		.id = jobs_own_id(a->jobs),
		.subject = "on-alert",
		.argv = argv,
		.env = &env,
		.cwd = config->project,
		.timeout_ms = ALARM_TIMEOUT_MS,
		.grace_ms = GRACE_MS,
		.owner = &a->owner,
	};

	env_init(&env, environ);
	env_set(&env, "FILEMON_ALERT", values->name);
	env_set(&env, "FILEMON_RULE", values->rule);
	env_set(&env, "FILEMON_VALUE", values->value);
	env_set(&env, "FILEMON_THRESHOLD", values->threshold);
	env_set(&env, "FILEMON_ROOT", config->project);
	a->running[a->n++] = (struct running){ spec.id, xstrdup(alert->name) };
	if (jobs_start(a->jobs, &spec, &why) == -1) {
		drop(a, a->n - 1);
		spawn_error_format(&why, argv[0], text, sizeof(text));
		log_warnx("alert %s: on-alert: %s", alert->name, text);
	}
	env_release(&env);
	argv_free(argv);
}

void
alarms_raise(struct alarms *a, const struct config *config, const struct wire_msg *msg)
{
	const struct alert_config *alert = find(config, msg->name);
	char value[32], threshold[32];
	struct argv_alert values = { .value = value, .threshold = threshold };

	if (alert == NULL || alert->command.n == 0)
		return;
	if (a->n == ALARMS_MAX) {
		log_warnx("alert %s: on-alert: %d of them are running (not run)",
		    alert->name, ALARMS_MAX);
		return;
	}
	snprintf(value, sizeof(value), "%" PRIu64, msg->seq);
	snprintf(threshold, sizeof(threshold), "%" PRId64, alert->threshold);
	values.name = alert->name;
	values.rule = msg->state;
	start(a, config, alert, &values);
}

void
alarms_stop(struct alarms *a)
{
	for (size_t i = a->n; i-- > 0;)
		jobs_end(a->jobs, a->running[i].id);
}
