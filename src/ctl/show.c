/* SPDX-License-Identifier: ISC */
/* queue failures config */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/json.h"
#include "base/xmalloc.h"
#include "conf/options.h"
#include "ctl/client.h"
#include "ctl/given.h"
#include "ctl/print.h"
#include "ctl/text.h"

/* Takes the options of queue and failures, asks, and gives the result. */
static int
ask_for_table(struct ctl *ctl, int argc, char **argv, cJSON **result)
{
	cJSON *params = cJSON_CreateObject();
	struct project project;
	int key, code;

	*result = NULL;
	while ((key = args_next(ctl, argc, argv)) != -1) {
		cJSON_DeleteItemFromObject(params, key == 'H' ? "handler" : "limit");
		if (key == 'H')
			cJSON_AddStringToObject(params, "handler", optarg);
		else
			cJSON_AddNumberToObject(params, "limit",
			    (double)args_number(ctl, "--limit", optarg, 1));
	}
	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = client_call(ctl, &project, ctl->command->name, params, result);
	else
		cJSON_Delete(params);
	if (code == CTL_OK && ctl->json)
		print_json(*result);
	project_release(&project);
	return code;
}

static void
say_left_out(struct ctl *ctl, const cJSON *result)
{
	char count[TEXT_SHORT];
	int64_t left =
	    get_int(result, "total") - cJSON_GetArraySize(get(result, "items"));

	if (left > 0)
		say(ctl, "and %s more (see --limit)", text_count(left, count));
}

static void
add_text(struct table *table, const cJSON *item, const char *name)
{
	char *text = item_text(item, name);

	table_cell(table, text);
	free(text);
}

static void
add_path(struct table *table, const cJSON *item)
{
	char *path = item_path(item);

	table_cell(table, path);
	free(path);
}

static void
add_duration(struct table *table, const cJSON *item, const char *name)
{
	char text[TEXT_SHORT];

	if (has(item, name) && get_int(item, name) >= 0)
		clk_format_duration(get_int(item, name), text, sizeof(text));
	else
		snprintf(text, sizeof(text), "-");
	table_cell(table, text);
}

/* What is 0 is due now, but for what waits for something else. */
static void
add_due(struct table *table, const cJSON *item)
{
	const char *state = get_string(item, "state");

	if (strcmp(state, "breaker") == 0 || strcmp(state, "paused") == 0)
		table_cell(table, "-");
	else
		add_duration(table, item, "due_in_ms");
}

static void
add_pending(struct table *table, const cJSON *item)
{
	add_text(table, item, "handler");
	add_text(table, item, "state");
	add_text(table, item, "command");
	table_cellf(table, "%lld", (long long)get_int(item, "attempts"));
	add_due(table, item);
	add_duration(table, item, "age_ms");
	add_path(table, item);
}

static void
add_output(struct table *table, const cJSON *item)
{
	struct buf lines = BUF_INIT;
	size_t len;
	char *output = item_bytes(item, "output", &len);

	text_vis_lines(&lines, output, len, "    | ");
	free(output);
	if (lines.len > 0)
		table_note(table, lines.p);
	buf_release(&lines);
}

static void
add_dead(struct table *table, const cJSON *item)
{
	char ago[TEXT_SHORT];

	add_text(table, item, "handler");
	table_cell(table, text_ago(get_string(item, "failed_at"), clk_wall_ns(), ago));
	add_text(table, item, "command");
	table_cellf(table, "%lld", (long long)get_int(item, "attempts"));
	add_text(table, item, "outcome");
	add_path(table, item);
	add_output(table, item);
}

/* How the rows of a method are shown. */
struct listing {
	const char *const *heads;
	size_t columns;
	const char *none; /* what is said where there are no rows */
	void (*add)(struct table *, const cJSON *item);
};

static int
show_listing(struct ctl *ctl, int argc, char **argv, const struct listing *listing)
{
	struct table *table;
	cJSON *result;
	const cJSON *item;
	int code = ask_for_table(ctl, argc, argv, &result);

	if (code != CTL_OK || ctl->json || ctl->quiet)
		goto out;
	if (cJSON_GetArraySize(get(result, "items")) == 0) {
		say(ctl, "%s", listing->none);
		goto out;
	}
	table = table_new(listing->heads, listing->columns);
	cJSON_ArrayForEach(item, get(result, "items")) listing->add(table, item);
	table_print(table);
	table_free(table);
	say_left_out(ctl, result);
out:
	cJSON_Delete(result);
	return code;
}

int
cmd_queue(struct ctl *ctl, int argc, char **argv)
{
	static const char *const heads[] = { "HANDLER", "STATE", "COMMAND", "ATTEMPTS",
		"DUE IN", "AGE", "PATH" };
	const struct listing listing = { heads, COUNTOF(heads), "nothing is pending",
		add_pending };

	return show_listing(ctl, argc, argv, &listing);
}

int
cmd_failures(struct ctl *ctl, int argc, char **argv)
{
	static const char *const heads[] = { "HANDLER", "FAILED", "COMMAND", "ATTEMPTS",
		"OUTCOME", "PATH" };
	const struct listing listing = { heads, COUNTOF(heads), "no dead letters",
		add_dead };

	return show_listing(ctl, argc, argv, &listing);
}

/* A value is text as the file has it, or JSON of another kind. */
static void
add_value(struct table *table, const cJSON *value)
{
	char *json = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
	char *text = text_vis_str(cJSON_IsString(value) ? value->valuestring
		: json != NULL && !cJSON_IsNull(value)	? json
							: "-");

	table_cell(table, text);
	free(text);
	cJSON_free(json);
}

/* A daemon of an earlier version does not say it. */
static bool
is_default(const cJSON *row)
{
	return has(row, "is_default")
	    ? get_bool(row, "is_default")
	    : cJSON_Compare(get(row, "value"), get(row, "default"), true);
}

static void
add_options(struct table *table, const cJSON *rows, const char *indent)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, rows)
	{
		table_cellf(table, "%s%s", indent, get_string(row, "name"));
		add_value(table, get(row, "value"));
		if (is_default(row))
			table_cell(table, "(default)");
		else
			add_value(table, get(row, "default"));
	}
}

/* Those of one kind: "handlers" of handler. */
static void
add_sections(struct table *table, const cJSON *config, const char *kind)
{
	char *list = xasprintf("%ss", kind);
	const cJSON *section;

	cJSON_ArrayForEach(section, get(config, list))
	{
		char *name = item_text(section, "name");
		table_cellf(table, "%s %s", kind, name);
		table_cell(table, "");
		table_cell(table, "");
		add_options(table, get(section, "options"), "  ");
		free(name);
	}
	free(list);
}

static void
show_config(const cJSON *config)
{
	static const char *const heads[] = { "OPTION", "VALUE", "DEFAULT" };
	struct table *table = table_new(heads, COUNTOF(heads));
	char *file = item_text(config, "file"), *project = item_text(config, "project");

	printf("project  %s\nfile     %s\n\n", project, *file != '\0' ? file : "none");
	add_options(table, get(config, "options"), "");
	for (int i = OPTION_TOP + 1; i < OPTION_SCOPE_COUNT; i++)
		add_sections(table, config, option_scope_name((enum option_scope)i));
	table_print(table);
	table_free(table);
	free(file);
	free(project);
}

/* What would hold if filemond was started now. */
static int
config_of_file(struct ctl *ctl, const struct project *project, cJSON **result)
{
	struct buf text = BUF_INIT;
	struct json_error error;

	if (project->config == NULL) {
		char *fault = text_vis_str(project->fault.text);
		complain(ctl, "%s", fault);
		free(fault);
		return CTL_FAILED;
	}
	options_json(project->config, &text);
	*result = json_parse(text.p, text.len, &error);
	buf_release(&text);
	if (*result == NULL)
		return failed(ctl, "the options cannot be read: %s", error.text);
	return CTL_OK;
}

int
cmd_config(struct ctl *ctl, int argc, char **argv)
{
	struct client_call call = { .method = "config" };
	struct project project;
	enum client_outcome outcome;
	int code;

	args_only_words(ctl, argc, argv, 0, 0);
	code = project_open(ctl, &project);
	if (code != CTL_OK)
		return code;
	outcome = client_ask_project(&project, &call);
	if (outcome == CLIENT_NOT_RUNNING)
		code = config_of_file(ctl, &project, &call.result);
	else if (outcome != CLIENT_OK)
		code = client_failed(ctl, &project, outcome, &call);
	else if (!given_holds(ctl, &project))
		code = CTL_FAILED;
	if (code == CTL_OK && ctl->json)
		print_json(call.result);
	else if (code == CTL_OK && !ctl->quiet)
		show_config(call.result);
	cJSON_Delete(call.result);
	project_release(&project);
	return code;
}
