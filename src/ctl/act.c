/* SPDX-License-Identifier: ISC */
/* retry discard scan wait pause resume */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "ctl/client.h"
#include "ctl/path.h"
#include "ctl/print.h"
#include "ctl/subject.h"
#include "ctl/text.h"

#define NO_TIMEOUT (-1)

struct act_options {
	const char *handler;
	bool all;
};

static int64_t
act_on(struct ctl *ctl, const struct project *project, const struct act_options *options,
    cJSON *params, int *code)
{
	cJSON *result = NULL;
	int64_t count;

	if (options->handler != NULL)
		cJSON_AddStringToObject(params, "handler", options->handler);
	*code = client_call(ctl, project, ctl->command->name, params, &result);
	count = get_int(result, "count");
	cJSON_Delete(result);
	return count;
}

static int64_t
act_on_path(struct ctl *ctl, const struct project *project,
    const struct act_options *options, const char *word, int *code)
{
	cJSON *params = subject_params(ctl, project, word);
	int64_t count;

	if (params == NULL) {
		*code = CTL_FAILED;
		return 0;
	}
	count = act_on(ctl, project, options, params, code);
	if (*code == CTL_OK && count == 0) {
		char *shown = text_vis_str(word);
		*code = failed(ctl, "%s: %s", shown,
		    strcmp(ctl->command->name, "retry") == 0
			? "neither failed nor pending"
			: "no dead letter");
		free(shown);
	}
	return count;
}

/* Goes on over paths that cannot be done; the exit code tells of the first. */
static int
act_on_words(struct ctl *ctl, const struct project *project,
    const struct act_options *options, char **words, const char *done)
{
	char count[TEXT_SHORT];
	int64_t total = 0;
	int code = CTL_OK;

	if (options->all) {
		cJSON *params = cJSON_CreateObject();
		cJSON_AddTrueToObject(params, "all");
		total = act_on(ctl, project, options, params, &code);
	}
	for (; *words != NULL && code != CTL_NOT_RUNNING; words++) {
		int one;
		total += act_on_path(ctl, project, options, *words, &one);
		code = code == CTL_OK ? one : code;
	}
	if (ctl->json)
		printf("{\"count\":%lld}\n", (long long)total);
	else if (total > 0 || code == CTL_OK)
		say(ctl, "%s %s", text_count(total, count), done);
	return code;
}

static int
act(struct ctl *ctl, int argc, char **argv, const char *done)
{
	struct act_options options = { 0 };
	struct project project;
	int key, code;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 'H')
			options.handler = optarg;
		else
			options.all = true;
	}
	args_words(ctl, argc, options.all ? 0 : 1, options.all ? 0 : -1);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = act_on_words(ctl, &project, &options, argv + optind, done);
	project_release(&project);
	return code;
}

int
cmd_retry(struct ctl *ctl, int argc, char **argv)
{
	return act(ctl, argc, argv, "made due again");
}

int
cmd_discard(struct ctl *ctl, int argc, char **argv)
{
	return act(ctl, argc, argv, "discarded");
}

static void
say_not_idle(struct ctl *ctl, const cJSON *result, int64_t timeout_ms)
{
	char duration[TEXT_SHORT], count[TEXT_SHORT];
	char *reason = item_text(result, "reason");

	if (strcmp(reason, "paths are pending") == 0)
		*reason = '\0'; /* the number says it */
	clk_format_duration(timeout_ms, duration, sizeof(duration));
	complain(ctl, "not idle%s%s: %s pending%s%s%s (see 'filemonctl queue')",
	    timeout_ms > 0 ? " after " : "", timeout_ms > 0 ? duration : "",
	    text_count(get_int(result, "pending"), count),
	    get_bool(result, "scanning") ? ", a scan runs" : "", *reason ? ": " : "",
	    reason);
	free(reason);
}

/* timeout_ms: NO_TIMEOUT is without end, 0 a look at how it is now. */
static int
wait_idle(struct ctl *ctl, const struct project *project, int64_t timeout_ms)
{
	struct client_call call = { .method = "wait", .patience_ms = CLIENT_PATIENCE_MS };
	char count[TEXT_SHORT];
	enum client_outcome outcome;
	int64_t asked_ms = timeout_ms == 0 ? 1
	    : timeout_ms == NO_TIMEOUT	   ? 0
					   : timeout_ms;
	int code = CTL_OK;

	call.params = cJSON_CreateObject();
	cJSON_AddNumberToObject(call.params, "timeout_ms", (double)asked_ms);
	if (asked_ms > 0)
		call.timeout_ms = asked_ms + CLIENT_TIMEOUT_MS;
	outcome = client_ask(project->socket, project->state_dir, &call);
	if (outcome != CLIENT_OK)
		return client_failed(ctl, project, outcome, &call);
	if (ctl->json)
		print_json(call.result);
	if (get_int(call.result, "unlisted") > 0)
		complain(ctl,
		    "%s %s cannot be listed: what happens there is not seen ('filemonctl "
		    "status' says more)",
		    text_count(get_int(call.result, "unlisted"), count),
		    text_plural(
			get_int(call.result, "unlisted"), "directory", "directories"));
	if (!get_bool(call.result, "idle")) {
		say_not_idle(ctl, call.result, timeout_ms);
		code = CTL_FAILED;
	}
	cJSON_Delete(call.result);
	return code;
}

int
cmd_wait(struct ctl *ctl, int argc, char **argv)
{
	struct project project;
	int64_t timeout_ms = NO_TIMEOUT;
	int key, code;

	while ((key = args_next(ctl, argc, argv)) != -1)
		if (key == 't')
			timeout_ms = args_duration(ctl, "--timeout", optarg);
	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = wait_idle(ctl, &project, timeout_ms);
	project_release(&project);
	return code;
}

static int
refuse_scan(struct ctl *ctl, const char *word, const struct client_call *call)
{
	char *shown = text_vis_str(word), *why = text_vis_str(call->error);
	int code = failed(ctl, "%s: %s", shown, why);

	free(shown);
	free(why);
	return code;
}

static int
scan(struct ctl *ctl, const struct project *project, const char *word, bool waits)
{
	struct client_call call = { .method = "scan" };
	cJSON *params = cJSON_CreateObject();
	enum client_outcome outcome;
	int code = CTL_OK;

	if (word != NULL) {
		cJSON_Delete(params);
		params = subject_params(ctl, project, word);
	}
	if (params == NULL)
		return CTL_FAILED;
	call.params = params;
	outcome = client_ask_project(project, &call);
	if (outcome == CLIENT_REFUSED && word != NULL)
		code = refuse_scan(ctl, word, &call);
	else if (outcome != CLIENT_OK)
		code = client_failed(ctl, project, outcome, &call);
	else if (ctl->json && !waits) /* one answer a command: then that of the wait */
		print_json(call.result);
	cJSON_Delete(call.result);
	return code;
}

int
cmd_scan(struct ctl *ctl, int argc, char **argv)
{
	struct project project;
	int64_t timeout_ms = NO_TIMEOUT;
	bool wait = false;
	int key, code;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 't')
			timeout_ms = args_duration(ctl, "--timeout", optarg);
		else
			wait = true;
	}
	args_words(ctl, argc, 0, 1);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = scan(ctl, &project, argv[optind], wait);
	if (code == CTL_OK && wait)
		code = wait_idle(ctl, &project, timeout_ms);
	else if (code == CTL_OK)
		say(ctl, "the scan is queued ('filemonctl wait' tells when all is done)");
	project_release(&project);
	return code;
}

/* "before: a, b"; false where the list is empty. */
static bool
show_names(struct ctl *ctl, const char *before, const cJSON *list)
{
	struct buf text = BUF_INIT;
	const cJSON *name;
	bool any;

	cJSON_ArrayForEach(name, list)
	{
		const char *s = cJSON_IsString(name) ? name->valuestring : "";
		buf_addf(&text, "%s", text.len > 0 ? ", " : before);
		text_vis(&text, s, strlen(s));
	}
	any = text.len > 0;
	if (any)
		say(ctl, "%s", text.p);
	buf_release(&text);
	return any;
}

static void
show_paused(struct ctl *ctl, const cJSON *result)
{
	bool resumed = show_names(ctl, "resumed: ", get(result, "resumed"));

	if (!show_names(
		ctl, resumed ? "still paused: " : "paused: ", get(result, "paused")) &&
	    !resumed)
		say(ctl, "%s",
		    strcmp(ctl->command->name, "resume") == 0
			? "nothing was paused, and no breaker was open"
			: "there is no handler");
}

static int
pause_or_resume(struct ctl *ctl, int argc, char **argv)
{
	struct project project;
	cJSON *params = NULL, *result = NULL;
	int code;

	args_only_words(ctl, argc, argv, 0, 1);
	code = project_open(ctl, &project);
	if (code != CTL_OK)
		return code;
	if (argv[optind] != NULL) {
		params = cJSON_CreateObject();
		cJSON_AddStringToObject(params, "handler", argv[optind]);
	}
	code = client_call(ctl, &project, ctl->command->name, params, &result);
	if (code == CTL_OK && ctl->json)
		print_json(result);
	else if (code == CTL_OK)
		show_paused(ctl, result);
	cJSON_Delete(result);
	project_release(&project);
	return code;
}

int
cmd_pause(struct ctl *ctl, int argc, char **argv)
{
	return pause_or_resume(ctl, argc, argv);
}

int
cmd_resume(struct ctl *ctl, int argc, char **argv)
{
	return pause_or_resume(ctl, argc, argv);
}
