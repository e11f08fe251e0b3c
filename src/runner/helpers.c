/* SPDX-License-Identifier: ISC */
#include "runner/helpers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/helper.h"
#include "base/xmalloc.h"
#include "runner/env.h"
#include "runner/jobs.h"
#include "runner/order.h"
#include "wire/wire.h"

extern char **environ;

/* A segment of the largest size takes this on a slow disk. */
#define PACK_TIMEOUT_MS (6 * 3600 * 1000)
#define GRACE_MS 2000

static int
start(struct jobs *jobs, struct job_spec *spec, struct order_error *error)
{
	struct spawn_error why;
	struct env env;
	env_init(&env, environ);
	spec->env = &env;
	int ret = jobs_start(jobs, spec, &why);
	if (ret == -1) {
		error->error = why.error;
		spawn_error_format(&why, spec->argv[0], error->text, sizeof(error->text));
	}
	env_release(&env);
	return ret;
}

int
helpers_pack(const struct config *config, struct jobs *jobs, const struct wire_msg *msg,
    struct order_error *error)
{
	char number[32], subject[64];
	if (!config->state_dir) {
		error->error = EINVAL;
		snprintf(error->text, sizeof(error->text), "there is no event log");
		return -1;
	}
	if (jobs_count(jobs) >= (size_t)config->jobs_max + HELPERS_MAX) {
		error->error = EAGAIN;
		snprintf(error->text, sizeof(error->text), "too many jobs run");
		return -1;
	}
	snprintf(number, sizeof(number), "%" PRIu64, msg->seq);
	snprintf(subject, sizeof(subject), "event segment %s", number);
	char *program = helper_path("filemon-pack");
	char *dir = xasprintf("%s/events", config->state_dir);
	char *argv[] = { program, dir, number, NULL };
	struct job_spec spec = {
		.id = msg->id,
		.subject = subject,
		.argv = argv,
		.cwd = config->state_dir,
		.timeout_ms = PACK_TIMEOUT_MS,
		.grace_ms = GRACE_MS,
	};
	int ret = start(jobs, &spec, error);
	free(program);
	free(dir);
	return ret;
}
