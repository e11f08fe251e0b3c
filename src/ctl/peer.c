/* SPDX-License-Identifier: ISC */
#include "ctl/peer.h"

#include <string.h>

#include "ctl/client.h"
#include "ctl/print.h"

#define ASK_MS 2000

cJSON *
peer_status(const struct project *project)
{
	struct client_call call = { .method = "status", .timeout_ms = ASK_MS };

	if (client_ask(project->socket, project->state_dir, &call) == CLIENT_OK)
		return call.result;
	cJSON_Delete(call.result);
	return NULL;
}

pid_t
peer_pid(const cJSON *status)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, get(status, "processes"))
	{
		if (strcmp(get_string(item, "name"), "supervisor") == 0)
			return (pid_t)get_int(item, "pid");
	}
	return 0;
}

const char *
peer_doing(const cJSON *status)
{
	return get_bool(status, "stopping")  ? "stopping"
	    : get_bool(status, "restarting") ? "restarting"
					     : "running";
}

bool
peer_is_stopping(const struct project *project, pid_t *pid)
{
	cJSON *status = peer_status(project);
	bool stopping = get_bool(status, "stopping");

	*pid = peer_pid(status);
	cJSON_Delete(status);
	return stopping;
}

pid_t
peer_find(const struct project *project)
{
	pid_t pid = 0;

	if (project_state(project) != PROJECT_STOPPED)
		pid = project_pid(project);
	if (pid == 0)
		(void)peer_is_stopping(project, &pid);
	return pid;
}
