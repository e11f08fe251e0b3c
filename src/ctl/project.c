/* SPDX-License-Identifier: ISC */
#include "ctl/project.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "conf/place.h"
#include "ctl/text.h"

#define PID_TEXT_MAX 64

static bool
has_state_dir(const struct ctl *ctl)
{
	for (size_t i = 0; i < ctl->options.n; i++)
		if (strncmp(ctl->options.v[i], "state-dir=", strlen("state-dir=")) == 0)
			return true;
	return false;
}

/* With these a project needs no .filemon of its own. */
static bool
says_where(const struct ctl *ctl)
{
	return ctl->file != NULL || has_state_dir(ctl);
}

static int
find_root(struct ctl *ctl, struct project *project)
{
	char why[450], *dir;

	if (ctl->dir != NULL && place_is_dir(ctl->dir, why, sizeof(why)) == -1) {
		dir = text_vis_str(why);
		complain(ctl, "%s", dir);
		free(dir);
		return CTL_NO_PROJECT;
	}
	project->root = config_find_project(ctl->dir);
	if (project->root == NULL && errno == ENOENT && says_where(ctl))
		project->root = realpath(ctl->dir != NULL ? ctl->dir : ".", NULL);
	if (project->root != NULL)
		return CTL_OK;
	if (errno != ENOENT)
		return failed(
		    ctl, "%s: %s", ctl->dir != NULL ? ctl->dir : ".", strerror(errno));
	dir = text_vis_str(ctl->dir != NULL ? ctl->dir : "the working directory");
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
	project->apart = ctl->file != NULL && has_state_dir(ctl);
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

static bool
is_same_dir(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/* The folder of a lock that is open there; NULL: it is none. */
static char *
folder_of_lock(int dirfd, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

	if (n <= 5 || memcmp(target + n - 5, "/lock", 5) != 0)
		return NULL;
	return xstrndup(target, (size_t)n - 5);
}

/*
 * It holds the lock of its state directory open, and besides it may be that of
 * the project, which tells nothing.
 */
char *
project_state_dir_of(pid_t pid, const char *root)
{
	char *path = xasprintf("/proc/%d/fd", (int)pid);
	char *usual = xasprintf("%s/.filemon", root), *found = NULL, *folder;
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		folder = folder_of_lock(dirfd(dir), entry->d_name);
		if (folder == NULL || (found != NULL && strcmp(folder, usual) == 0)) {
			free(folder);
			continue;
		}
		free(found);
		found = folder;
	}
	if (dir != NULL)
		closedir(dir);
	free(usual);
	free(path);
	return found;
}

/* Is it another one than that of the state that the configuration names? */
static bool
is_elsewhere(const struct project *project, const char *usual, const char *dir)
{
	if (is_same_dir(usual, project->state_dir))
		return dir != NULL && !is_same_dir(dir, usual);
	return project_state(project) == PROJECT_STOPPED;
}

static void
tell_elsewhere(
    const struct project *project, pid_t pid, const char *dir, struct buf *text)
{
	buf_addf(text,
	    "a filemond runs for %s (pid %d), but with another state-dir: end it with ",
	    project->shown_root, (int)pid);
	if (dir == NULL) {
		buf_addf(text, "'kill %d'", (int)pid);
		return;
	}
	buf_adds(text, "'filemonctl -o state-dir=");
	text_vis(text, dir, strlen(dir));
	buf_adds(text, " stop'");
}

bool
project_runs_elsewhere(const struct project *project, struct buf *text)
{
	char *usual = xasprintf("%s/.filemon", project->root), *dir = NULL;
	bool elsewhere = false;
	pid_t pid;

	if (!project->apart && state_dir_state(usual) == PROJECT_RUNNING) {
		pid = state_dir_pid(usual);
		dir = pid != 0 ? project_state_dir_of(pid, project->root) : NULL;
		elsewhere = is_elsewhere(project, usual, dir);
		if (elsewhere)
			tell_elsewhere(project, pid, dir, text);
	}
	free(usual);
	free(dir);
	return elsewhere;
}

bool
project_says_elsewhere(struct ctl *ctl, const struct project *project)
{
	struct buf text = BUF_INIT;
	bool elsewhere = project_runs_elsewhere(project, &text);

	if (elsewhere)
		complain(ctl, "%s", text.p);
	buf_release(&text);
	return elsewhere;
}
