/* SPDX-License-Identifier: ISC */
#include "ctl/given.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/xmalloc.h"
#include "conf/options.h"
#include "ctl/client.h"
#include "ctl/print.h"
#include "ctl/text.h"

/* They say where a daemon is, not how it is to work. */
static bool
is_place(const char *option)
{
	return strncmp(option, "state-dir=", 10) == 0 ||
	    strncmp(option, "control-socket=", 15) == 0;
}

static bool
is_any_given(const struct ctl *ctl)
{
	for (size_t i = 0; i < ctl->options.n; i++)
		if (!is_place(ctl->options.v[i]))
			return true;
	return ctl->file != NULL;
}

/* The member of list with that name; NULL: there is none. */
static const cJSON *
named(const cJSON *list, const char *name, size_t len)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *has = get_string(item, "name");
		if (strlen(has) == len && strncmp(has, name, len) == 0)
			return item;
	}
	return NULL;
}

/* What a configuration has for "settle=…" or "handler.NAME.jobs=…", as text. */
static char *
value_of(const cJSON *config, const char *option)
{
	const char *end = option + strcspn(option, "="), *name = option, *p;
	const char *dot = memchr(option, '.', (size_t)(end - option));
	const cJSON *section = config, *row;

	for (p = option; p < end; p++)
		if (*p == '.')
			name = p + 1;
	if (dot != NULL && name > dot + 1) {
		char *list = xasprintf("%.*ss", (int)(dot - option), option);
		section = named(get(config, list), dot + 1, (size_t)(name - dot) - 2);
		free(list);
	}
	row = named(get(section, "options"), name, (size_t)(end - name));
	return has(row, "value") ? item_text(row, "value") : xstrdup("unset");
}

static void
compare_options(
    const struct ctl *ctl, const cJSON *wanted, const cJSON *running, struct buf *text)
{
	for (size_t i = 0; i < ctl->options.n; i++) {
		const char *option = ctl->options.v[i];
		char *want = value_of(wanted, option), *is = value_of(running, option);
		if (!is_place(option) && strcmp(want, is) != 0)
			buf_addf(text, "%s%.*s is %s, not %s", text->len > 0 ? "; " : "",
			    (int)strcspn(option, "="), option, is, want);
		free(want);
		free(is);
	}
}

static void
compare_files(const char *wanted, const char *running, struct buf *text)
{
	struct stat a, b;
	char *shown;

	if (strcmp(wanted, running) == 0 ||
	    (stat(wanted, &a) == 0 && stat(running, &b) == 0 && a.st_dev == b.st_dev &&
		a.st_ino == b.st_ino))
		return;
	shown = text_vis_str(*running != '\0' ? running : "none");
	buf_addf(text, "its file is %s", shown);
	free(shown);
}

/* Takes running. */
static bool
compare(struct ctl *ctl, const struct project *project, cJSON *running)
{
	struct buf json = BUF_INIT, text = BUF_INIT;
	struct json_error error;
	cJSON *wanted;
	bool holds;

	options_json(project->config, &json);
	wanted = json_parse(json.p, json.len, &error);
	if (ctl->file != NULL)
		compare_files(
		    get_string(wanted, "file"), get_string(running, "file"), &text);
	compare_options(ctl, wanted, running, &text);
	holds = text.len == 0;
	if (!holds)
		complain(ctl,
		    "filemond runs already, with its own -c and -o: %s ('filemonctl "
		    "restart' with yours starts it anew)",
		    text.p);
	cJSON_Delete(wanted);
	cJSON_Delete(running);
	buf_release(&json);
	buf_release(&text);
	return holds;
}

bool
given_holds(struct ctl *ctl, const struct project *project)
{
	struct client_call call = { .method = "config", .timeout_ms = CLIENT_TIMEOUT_MS };

	if (!is_any_given(ctl))
		return true;
	if (project->config == NULL) {
		char *fault = text_vis_str(project->fault.text);
		complain(ctl, "%s", fault);
		free(fault);
		return false;
	}
	if (client_ask(project->socket, project->state_dir, &call) != CLIENT_OK)
		return true;
	return compare(ctl, project, call.result);
}
