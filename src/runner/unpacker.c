/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/unpacker.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/helper.h"
#include "base/xmalloc.h"
#include "runner/child.h"
#include "runner/env.h"
#include "runner/follow.h"
#include "runner/jobs.h"

extern char **environ;

/* A segment of the largest size takes this on a slow disk. */
#define TIMEOUT_MS (6 * 3600 * 1000)
#define GRACE_MS 2000
/* Of the helper: the text is there, but for what is damaged. */
#define EXIT_DAMAGED 2

struct unpacker {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct unpacker_hooks hooks;
	char *subject, *dir;
	int64_t backoff_ms, backoff_max_ms;
	uint64_t job; /* 0: none runs */
	int fd;	      /* what it writes to */
	uint64_t failures;
	struct ev_timer delay;
};

static void
on_delay(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct unpacker *u = timer->data;
	u->hooks.again(u->hooks.ctx);
}

struct unpacker *
unpacker_new(struct ev_loop *loop, struct jobs *jobs, const struct unpacker_spec *spec,
    const struct unpacker_hooks *hooks)
{
	struct unpacker *u = xcalloc(1, sizeof(*u));
	u->loop = loop;
	u->jobs = jobs;
	u->hooks = *hooks;
	u->subject = xstrdup(spec->subject);
	u->dir = xstrdup(spec->dir);
	u->backoff_ms = spec->backoff_ms;
	u->backoff_max_ms = spec->backoff_max_ms;
	u->fd = -1;
	ev_init(&u->delay, on_delay);
	u->delay.data = u;
	return u;
}

void
unpacker_stop(struct unpacker *u)
{
	ev_timer_stop(u->loop, &u->delay);
	if (u->job != 0)
		jobs_abandon(u->jobs, u->job);
	u->job = 0;
	u->failures = 0;
	fd_close(&u->fd);
}

void
unpacker_free(struct unpacker *u)
{
	if (!u)
		return;
	unpacker_stop(u);
	free(u->subject);
	free(u->dir);
	free(u);
}

static void
fail(struct unpacker *u, const char *why)
{
	int64_t ms = child_delay(++u->failures, u->backoff_ms, u->backoff_max_ms);
	fd_close(&u->fd);
	ev_now_update(u->loop);
	ev_timer_set(&u->delay, (double)ms / 1000, 0.);
	ev_timer_start(u->loop, &u->delay);
	u->hooks.failed(u->hooks.ctx, why);
}

static void
explain(const struct job_result *result, const char *said, char *why, size_t size)
{
	if (*result->text)
		snprintf(why, size, "%s", result->text);
	else if (result->outcome == WIRE_SIGNAL)
		snprintf(why, size, "filemon-pack: signal %d (%s)", result->code,
		    strsignal(result->code));
	else if (*said)
		snprintf(why, size, "%s", said);
	else
		snprintf(why, size, "filemon-pack: exit %d", result->code);
}

static void
on_ended(void *ctx, const struct job_result *result)
{
	struct unpacker *u = ctx;
	bool damaged = result->outcome == WIRE_EXIT && result->code == EXIT_DAMAGED;
	char said[128], why[256];
	int fd = u->fd;
	snprintf(said, sizeof(said), "%.*s", (int)result->output_len, result->output);
	said[strcspn(said, "\n")] = '\0';
	u->job = 0;
	if (!damaged && (result->outcome != WIRE_EXIT || result->code != 0)) {
		explain(result, said, why, sizeof(why));
		fail(u, why);
		return;
	}
	u->fd = -1;
	u->failures = 0;
	u->hooks.done(u->hooks.ctx, fd, damaged ? strtoull(said, NULL, 10) : 0);
}

/* Not every file system has O_TMPFILE. */
static int
open_nameless(const char *dir)
{
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	char *path = xasprintf("%s/unpacked.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd != -1)
		unlink(path);
	free(path);
	return fd;
}

static int
start_job(struct unpacker *u, char **argv, struct spawn_error *error)
{
	const struct job_owner owner = { NULL, on_ended, u };
	struct env env;
	env_init(&env, environ);
	const struct job_spec spec = {
		.id = u->job,
		.subject = u->subject,
		.argv = argv,
		.env = &env,
		.timeout_ms = TIMEOUT_MS,
		.grace_ms = GRACE_MS,
		.out_fd = u->fd,
		.owner = &owner,
	};
	int ret = jobs_start(u->jobs, &spec, error);
	env_release(&env);
	return ret;
}

void
unpacker_start(struct unpacker *u, const struct follow_wants *wants)
{
	char mode[] = "-d", first[32], from[32], next[32], why[256];
	struct spawn_error error;
	if (u->job != 0 || ev_is_active(&u->delay))
		return;
	u->fd = open_nameless(u->dir);
	if (u->fd == -1) {
		snprintf(why, sizeof(why), "%s: %s", u->dir, strerror(errno));
		fail(u, why);
		return;
	}
	char *program = helper_path("filemon-pack");
	char *argv[] = { program, mode, u->dir, first, from, next, NULL };
	snprintf(first, sizeof(first), "%" PRIu64, wants->first);
	snprintf(from, sizeof(from), "%" PRIu64, wants->from);
	snprintf(next, sizeof(next), "%" PRIu64, wants->next);
	u->job = jobs_own_id(u->jobs);
	if (start_job(u, argv, &error) == -1) {
		u->job = 0;
		spawn_error_format(&error, program, why, sizeof(why));
		fail(u, why);
	}
	free(program);
}
