/* SPDX-License-Identifier: ISC */
/* list: all daemons of this user, by the titles of their supervisors. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "ctl/client.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/text.h"

#define TITLE "filemond: supervisor "
#define TITLE_MAX (64 * 1024)
#define ASK_MS 2000

struct found {
	pid_t pid;
	char *project;
	char *state_dir;
};

/* The project in the title of pid; NULL where it is no supervisor of ours. */
static char *
project_of(pid_t pid)
{
	char *path = xasprintf("/proc/%d/cmdline", (int)pid);
	char *title = NULL, *project = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && (geteuid() == 0 || st.st_uid == geteuid()))
		title = fd_read_file(path, TITLE_MAX, NULL);
	if (title != NULL && strncmp(title, TITLE, strlen(TITLE)) == 0)
		project = xstrdup(title + strlen(TITLE));
	free(title);
	free(path);
	return project;
}

/* NULL where it does not answer. */
static cJSON *
ask(const struct found *found)
{
	struct client_call call = { .method = "status", .timeout_ms = ASK_MS };
	char *socket = xasprintf("%s/control.sock", found->state_dir);

	client_ask(socket, found->state_dir, &call);
	free(socket);
	return call.result;
}

static void
add_row(struct table *table, const struct found *found, const cJSON *status)
{
	char *project = text_vis_str(found->project);
	char *health = strcmp(peer_doing(status), "running") == 0
	    ? item_text(status, "health")
	    : xstrdup(peer_doing(status));
	const cJSON *queue = get(status, "queue");
	char count[TEXT_SHORT];

	table_cellf(table, "%d", (int)found->pid);
	table_cell(table, status != NULL ? health : "no answer");
	table_cell(
	    table, status != NULL ? text_count(get_int(queue, "pending"), count) : "-");
	table_cell(
	    table, status != NULL ? text_count(get_int(queue, "dead"), count) : "-");
	table_cell(table, project);
	free(project);
	free(health);
}

static void
add_object(cJSON *list, const struct found *found, const cJSON *status)
{
	const cJSON *queue = get(status, "queue");
	cJSON *object = cJSON_CreateObject();
	struct buf text = BUF_INIT;
	size_t len = strlen(found->project);

	buf_add_base64(&text, found->project, len);
	cJSON_AddNumberToObject(object, "pid", (double)found->pid);
	if (text_is_utf8(found->project, len))
		cJSON_AddStringToObject(object, "project", found->project);
	else
		cJSON_AddStringToObject(object, "project_b64", text.p);
	cJSON_AddBoolToObject(object, "answers", status != NULL);
	if (status != NULL) {
		cJSON_AddStringToObject(object, "health", get_string(status, "health"));
		cJSON_AddBoolToObject(object, "stopping", get_bool(status, "stopping"));
		cJSON_AddBoolToObject(
		    object, "restarting", get_bool(status, "restarting"));
		cJSON_AddNumberToObject(
		    object, "pending", (double)get_int(queue, "pending"));
		cJSON_AddNumberToObject(object, "dead", (double)get_int(queue, "dead"));
	}
	cJSON_AddItemToArray(list, object);
	buf_release(&text);
}

static void
look_at(pid_t pid, struct table *table, cJSON *list)
{
	struct found found = { .pid = pid, .project = project_of(pid) };
	cJSON *status;

	if (found.project == NULL)
		return;
	found.state_dir = project_state_dir_of(pid, found.project);
	if (found.state_dir == NULL)
		found.state_dir = xasprintf("%s/.filemon", found.project);
	status = ask(&found);
	add_row(table, &found, status);
	add_object(list, &found, status);
	cJSON_Delete(status);
	free(found.state_dir);
	free(found.project);
}

int
cmd_list(struct ctl *ctl, int argc, char **argv)
{
	static const char *const heads[] = { "PID", "HEALTH", "PENDING", "DEAD",
		"PROJECT" };
	struct table *table;
	cJSON *list;
	DIR *proc;
	struct dirent *entry;

	args_only_words(ctl, argc, argv, 0, 0);
	proc = opendir("/proc");
	if (proc == NULL)
		return failed(ctl, "/proc: %s", strerror(errno));
	table = table_new(heads, COUNTOF(heads));
	list = cJSON_CreateArray();
	while ((entry = readdir(proc)) != NULL)
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name))
			look_at((pid_t)strtol(entry->d_name, NULL, 10), table, list);
	closedir(proc);
	if (ctl->json)
		print_json(list);
	else if (!ctl->quiet && cJSON_GetArraySize(list) > 0)
		table_print(table);
	else
		say(ctl, "no filemond runs");
	table_free(table);
	cJSON_Delete(list);
	return CTL_OK;
}
