/* SPDX-License-Identifier: ISC */
#include "ctl/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "ctl/path.h"
#include "ctl/print.h"
#include "ctl/project.h"
#include "ctl/text.h"
#include "eventlog/event.h"
#include "eventlog/head.h"
#include "policy/filter.h"

/* The members of a record. */
static const char *const tag_names[TAGS] = {
	[TAG_TENANT] = "tenant_id",
	[TAG_USER] = "user_id",
	[TAG_SESSION] = "session_id",
};

static void
check_type(struct ctl *ctl, const char *name)
{
	const char *names[EVENT_TYPE_COUNT];
	const char *near;

	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		names[i] = event_type_name((enum event_type)i);
		if (strcmp(names[i], name) == 0)
			return;
	}
	near = text_nearest(name, names, EVENT_TYPE_COUNT);
	if (near != NULL)
		usage_error(
		    ctl, "--type: %s: no such type: did you mean '%s'?", name, near);
	usage_error(ctl, "--type: %s: no such type", name);
}

void
selection_check(struct ctl *ctl, struct selection *selection)
{
	const char *fault;

	if (when_is_after(&selection->since, &selection->until))
		usage_error(ctl, "--since is after --until: nothing is between them");
	for (size_t i = 0; i < selection->types.n; i++)
		check_type(ctl, selection->types.v[i]);
	for (size_t i = 0; i < selection->patterns.n; i++)
		if ((fault = glob_check(selection->patterns.v[i])) != NULL)
			usage_error(
			    ctl, "--path: %s: %s", selection->patterns.v[i], fault);
	if (selection->patterns.n > 0)
		selection->globs = globs_new(&selection->patterns);
}

void
selection_release(struct selection *selection)
{
	globs_free(selection->globs);
	strlist_release(&selection->types);
	strlist_release(&selection->patterns);
}

bool
selection_has_times(const struct selection *selection)
{
	return when_is_set(&selection->since) || when_is_set(&selection->until);
}

static bool
type_is_wanted(const struct selection *selection, const cJSON *record)
{
	const char *type = get_string(get(record, "event_type"), "type");

	for (size_t i = 0; i < selection->types.n; i++)
		if (strcmp(selection->types.v[i], type) == 0)
			return true;
	return selection->types.n == 0;
}

/* What is below a root, as globs want it; NULL where path is below none. */
static const char *
relative(const struct project *project, const char *path)
{
	const struct strlist *roots =
	    project->config != NULL ? &project->config->roots : NULL;

	for (size_t i = 0; roots != NULL && i < roots->n; i++)
		if (path_is_below(roots->v[i], path) && path[strlen(roots->v[i])] == '/')
			return path + strlen(roots->v[i]) + 1;
	if (path_is_below(project->root, path) && path[strlen(project->root)] == '/')
		return path + strlen(project->root) + 1;
	return NULL;
}

/* name is an absolute path; name_b64 has its bytes where it is not UTF-8. */
static bool
globs_want(
    const struct selection *selection, const cJSON *object, const char *name, bool is_dir)
{
	char *name_b64 = xasprintf("%s_b64", name);
	char *exact = NULL;
	const char *path;
	size_t len;

	if (has(object, name_b64))
		exact = text_base64_decode(get_string(object, name_b64), &len);
	path = relative(
	    selection->project, exact != NULL ? exact : get_string(object, name));
	bool wanted =
	    path != NULL && globs_match(selection->globs, path, strlen(path), is_dir);
	free(exact);
	free(name_b64);
	return wanted;
}

static bool
path_is_wanted(const struct selection *selection, const cJSON *record)
{
	bool is_dir = get_bool(record, "is_dir");

	return selection->globs == NULL ||
	    globs_want(selection, record, "file_path", is_dir) ||
	    globs_want(selection, get(record, "event_type"), "from", is_dir);
}

static bool
tags_are_wanted(const struct selection *selection, const cJSON *record)
{
	for (size_t i = 0; i < TAGS; i++)
		if (selection->tags[i] != NULL &&
		    strcmp(get_string(record, tag_names[i]), selection->tags[i]) != 0)
			return false;
	return true;
}

static bool
is_filtered(const struct selection *selection)
{
	for (size_t i = 0; i < TAGS; i++)
		if (selection->tags[i] != NULL)
			return true;
	return selection->types.n > 0 || selection->globs != NULL;
}

bool
selection_is_too_late(const struct selection *selection, const char *line, size_t len)
{
	struct record_head head;

	return when_is_set(&selection->until) && head_parse(line, len, &head) &&
	    when_compare(&head, &selection->until) > 0;
}

bool
selection_passes(void *ctx, const char *line, size_t len)
{
	const struct selection *selection = ctx;
	struct json_error error;
	cJSON *record;
	bool passes;

	if (selection_is_too_late(selection, line, len))
		return false;
	if (!is_filtered(selection))
		return true;
	record = json_parse(line, len, &error);
	passes = record != NULL && type_is_wanted(selection, record) &&
	    tags_are_wanted(selection, record) && path_is_wanted(selection, record);
	cJSON_Delete(record);
	return passes;
}

bool
selection_is_too_early(void *ctx, const char *line, size_t len)
{
	const struct selection *selection = ctx;
	struct record_head head;

	return head_parse(line, len, &head) && when_compare(&head, &selection->since) < 0;
}
