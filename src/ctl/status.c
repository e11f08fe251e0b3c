/* SPDX-License-Identifier: ISC */
/* status: asks for it, or says why there is nothing to ask. */
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/print.h"
#include "ctl/story.h"
#include "ctl/text.h"

static void
print_short(
    struct ctl *ctl, const struct project *project, const char *state, const char *text)
{
	cJSON *object;

	if (!ctl->json) {
		say(ctl, "%s", text);
		return;
	}
	object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "state", state);
	cJSON_AddStringToObject(object, "project", project->shown_root);
	cJSON_AddStringToObject(object, "text", text);
	print_json(object);
	cJSON_Delete(object);
}

/* Takes text. */
static int
say_elsewhere(struct ctl *ctl, const struct project *project, struct buf *text)
{
	print_short(ctl, project, "unknown", text->p);
	buf_release(text);
	return CTL_STATUS_UNKNOWN;
}

static int
say_stopped(struct ctl *ctl, const struct project *project)
{
	struct buf text = BUF_INIT;

	if (project_runs_elsewhere(project, &text))
		return say_elsewhere(ctl, project, &text);
	buf_addf(&text, "filemond is not running in %s: start it with 'filemonctl start'",
	    project->shown_root);
	print_short(ctl, project, "stopped", text.p);
	buf_release(&text);
	return CTL_STATUS_STOPPED;
}

static int
say_unknown(
    struct ctl *ctl, const struct project *project, const struct client_call *call)
{
	struct buf text = BUF_INIT;
	bool held = project_state(project) == PROJECT_RUNNING;

	if (project_runs_elsewhere(project, &text))
		return say_elsewhere(ctl, project, &text);
	if (held)
		buf_addf(&text, "filemond in %s runs (pid %d) but does not answer: ",
		    project->shown_root, (int)project_pid(project));
	else
		buf_addf(&text,
		    "whether filemond runs in %s cannot be told: ", project->shown_root);
	client_reason(project, call, &text);
	print_short(ctl, project, "unknown", text.p);
	buf_release(&text);
	return CTL_STATUS_UNKNOWN;
}

int
cmd_status(struct ctl *ctl, int argc, char **argv)
{
	struct client_call call = { .method = "status" };
	struct project project;
	enum client_outcome outcome;
	int code;

	args_only_words(ctl, argc, argv, 0, 0);
	code = project_open(ctl, &project);
	if (code != CTL_OK)
		return CTL_STATUS_UNKNOWN;
	outcome = client_ask_project(&project, &call);
	if (outcome == CLIENT_NOT_RUNNING)
		code = say_stopped(ctl, &project);
	else if (outcome != CLIENT_OK)
		code = say_unknown(ctl, &project, &call);
	else if (ctl->json)
		print_json(call.result);
	else if (!ctl->quiet)
		story_show(call.result);
	cJSON_Delete(call.result);
	project_release(&project);
	return code;
}
