/* SPDX-License-Identifier: ISC */
#include "ctl/restart.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "ctl/client.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/start.h"
#include "ctl/text.h"

#define LOOK_MS 20

/* What tells one filemond from the next in the same process. */
struct count {
	int64_t renewals, restarts;
};

static struct count
count_of(const cJSON *object)
{
	return (struct count){ get_int(object, "renewals"), get_int(object, "restarts") };
}

/* The status, or NULL where nobody answers just now. */
static cJSON *
look(const struct project *project)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
	return peer_status(project);
}

/* Waits for another one than before; NULL: it ended, or time is up. */
static cJSON *
wait_for_other(
    const struct project *project, const struct count *before, int64_t timeout_ms)
{
	int64_t until = clk_mono_ms() + timeout_ms;

	while (clk_mono_ms() < until) {
		cJSON *status = look(project);
		struct count now = count_of(status);

		if (status != NULL &&
		    (now.renewals > before->renewals || now.restarts > before->restarts))
			return status;
		cJSON_Delete(status);
		if (status == NULL && project_state(project) == PROJECT_STOPPED)
			return NULL;
	}
	return NULL;
}

/*
 * Takes status, and gives one that is ready.  A first scan may take as long as it
 * likes if only it is told of; NULL: filemond has ended, or told nothing for the
 * time-out.
 */
static cJSON *
wait_for_ready(const struct project *project, cJSON *status, int64_t timeout_ms)
{
	int64_t told_ms = clk_mono_ms();

	while (!get_bool(status, "ready")) {
		cJSON_Delete(status);
		status = look(project);
		if (status != NULL)
			told_ms = clk_mono_ms();
		else if (project_state(project) == PROJECT_STOPPED ||
		    clk_mono_ms() - told_ms >= timeout_ms)
			return NULL;
	}
	return status;
}

static int64_t
directories(const cJSON *status)
{
	const cJSON *root;
	int64_t n = 0;

	cJSON_ArrayForEach(root, get(status, "watch")) n += get_int(root, "directories");
	return n;
}

static char *
how(const cJSON *status)
{
	const cJSON *why = get(status, "not_taken_over");

	if (get_bool(status, "taken_over"))
		return xstrdup("watches taken over");
	if (!cJSON_IsString(why))
		return xstrdup("the tree was compared");
	return xasprintf("the tree was compared: %s", why->valuestring);
}

static int
say_restarted(struct ctl *ctl, const struct project *project, const cJSON *status)
{
	char *text = how(status);

	if (ctl->json) {
		cJSON *object = cJSON_CreateObject();
		cJSON_AddBoolToObject(object, "running", true);
		cJSON_AddBoolToObject(object, "started", true);
		cJSON_AddNumberToObject(object, "pid", peer_find(project));
		cJSON_AddBoolToObject(
		    object, "taken_over", get_bool(status, "taken_over"));
		print_json(object);
		cJSON_Delete(object);
	} else if (get_bool(status, "ready"))
		say(ctl, "ready watching %lld %s and %lld %s after %lld ms (%s)",
		    (long long)directories(status),
		    text_plural(directories(status), "directory", "directories"),
		    (long long)get_int(status, "files"),
		    text_plural(get_int(status, "files"), "file", "files"),
		    (long long)get_int(status, "ready_ms"), text);
	else
		say(ctl, "filemond is running (pid %d)", (int)peer_find(project));
	free(text);
	return CTL_OK;
}

static int
say_stayed(struct ctl *ctl, const cJSON *status)
{
	const cJSON *why = get(status, "last_restart");
	char *text = text_vis_str(cJSON_IsString(why) ? why->valuestring : "no reason");
	int code = failed(ctl, "no new filemond: %s (the one from before goes on)", text);

	free(text);
	return code;
}

/* Takes status: of another one than before. */
static int
finish(struct ctl *ctl, const struct project *project,
    const struct restart_options *options, cJSON *status, bool renewed)
{
	int code;

	if (renewed && !options->no_wait)
		status = wait_for_ready(project, status, options->timeout_ms);
	if (status == NULL && project_state(project) == PROJECT_RUNNING)
		code = start_hangs(ctl, project);
	else if (status == NULL)
		code = failed(ctl,
		    "filemond ended before it was ready (%s/trace.log may say why)",
		    project->shown_state);
	else
		code = renewed ? say_restarted(ctl, project, status)
			       : say_stayed(ctl, status);
	cJSON_Delete(status);
	return code;
}

static int
say_late(struct ctl *ctl, const struct project *project, int64_t timeout_ms)
{
	char duration[TEXT_SHORT];

	clk_format_duration(timeout_ms, duration, sizeof(duration));
	return failed(ctl,
	    "filemond (pid %d) has not ended what it was doing after %s, and will "
	    "restart when it has (wait longer with --timeout, or end it with --force)",
	    (int)peer_find(project), duration);
}

/* False where it has to be done in another way. */
static bool
ask(struct ctl *ctl, const struct project *project, struct count *before, int *code)
{
	struct client_call call = { .method = "restart",
		.patience_ms = CLIENT_PATIENCE_MS,
		.timeout_ms = CLIENT_TIMEOUT_MS };
	enum client_outcome outcome =
	    client_ask(project->socket, project->state_dir, &call);

	*code = CTL_OK;
	*before = count_of(call.result);
	cJSON_Delete(call.result);
	if (outcome == CLIENT_REFUSED && !call.unknown)
		*code = client_failed(ctl, project, outcome, &call);
	return outcome == CLIENT_OK || *code != CTL_OK;
}

bool
restart_in_place(struct ctl *ctl, const struct project *project,
    const struct restart_options *options, int *code)
{
	struct count before;
	cJSON *status;

	if (ctl->file != NULL || ctl->options.n > 0 ||
	    project_state(project) != PROJECT_RUNNING ||
	    !ask(ctl, project, &before, code))
		return false;
	if (*code != CTL_OK)
		return true;
	status = wait_for_other(project, &before, options->timeout_ms);
	if (status != NULL) {
		bool renewed = get_int(status, "renewals") > before.renewals;
		*code = finish(ctl, project, options, status, renewed);
		return true;
	}
	if (options->force || project_state(project) == PROJECT_STOPPED)
		return false;
	*code = say_late(ctl, project, options->timeout_ms);
	return true;
}
