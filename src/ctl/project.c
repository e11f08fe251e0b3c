/* SPDX-License-Identifier: ISC */
#include "ctl/project.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "ctl/text.h"

#define PID_TEXT_MAX 64

/* With these a project needs no .filemon of its own. */
static bool
says_where(const struct ctl *ctl)
{
	for (size_t i = 0; i < ctl->options.n; i++)
		if (strncmp(ctl->options.v[i], "state-dir=", strlen("state-dir=")) == 0)
			return true;
	return ctl->file != NULL;
}

static int
find_root(struct ctl *ctl, struct project *project)
{
	project->root = config_find_project(ctl->dir);
	if (project->root == NULL && errno == ENOENT && says_where(ctl))
		project->root = realpath(ctl->dir != NULL ? ctl->dir : ".", NULL);
	if (project->root != NULL)
		return CTL_OK;
	if (errno != ENOENT)
		return failed(
		    ctl, "%s: %s", ctl->dir != NULL ? ctl->dir : ".", strerror(errno));
	char *dir = text_vis_str(ctl->dir != NULL ? ctl->dir : "the working directory");
	complain(ctl, "no project in %s or above (make one with 'filemonctl init')", dir);
	free(dir);
	return CTL_NO_PROJECT;
}

int
project_open(struct ctl *ctl, struct project *project)
{
	struct config_source source = { .file = ctl->file };
	int code;

	*project = (struct project){ 0 };
	code = find_root(ctl, project);
	if (code != CTL_OK)
		return code;
	source.project = project->root;
	source.options = (const char *const *)ctl->options.v;
	project->config = config_load(&source, &project->fault);
	if (project->config != NULL && project->config->state_dir != NULL) {
		project->state_dir = xstrdup(project->config->state_dir);
		project->socket = xstrdup(project->config->control_socket);
	} else {
		project->state_dir = xasprintf("%s/.filemon", project->root);
		project->socket = xasprintf("%s/control.sock", project->state_dir);
	}
	project->shown_root = text_vis_str(project->root);
	project->shown_state = text_vis_str(project->state_dir);
	return CTL_OK;
}

void
project_release(struct project *project)
{
	free(project->root);
	free(project->state_dir);
	free(project->socket);
	free(project->shown_root);
	free(project->shown_state);
	config_free(project->config);
	*project = (struct project){ 0 };
}

enum project_state
state_dir_state(const char *state_dir)
{
	char *path = xasprintf("%s/lock", state_dir);
	enum project_state state = PROJECT_UNKNOWN;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	free(path);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? PROJECT_STOPPED
							   : PROJECT_UNKNOWN;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		state = PROJECT_STOPPED;
	else if (errno == EWOULDBLOCK)
		state = PROJECT_RUNNING;
	close(fd); /* and with it the lock */
	return state;
}

pid_t
state_dir_pid(const char *state_dir)
{
	char *path = xasprintf("%s/lock", state_dir);
	char *text = fd_read_file(path, PID_TEXT_MAX, NULL);
	long pid = text != NULL ? strtol(text, NULL, 10) : 0;

	free(text);
	free(path);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

enum project_state
project_state(const struct project *project)
{
	return state_dir_state(project->state_dir);
}

pid_t
project_pid(const struct project *project)
{
	return state_dir_pid(project->state_dir);
}
