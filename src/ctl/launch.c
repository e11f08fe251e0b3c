/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/launch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "conf/argv.h"
#include "conf/options.h"

static char *
if_executable(char *path)
{
	if (path != NULL && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* A build tree has both programs in one folder, an installation bin and sbin. */
static char *
find_beside(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *found, *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	found = if_executable(xasprintf("%s/filemond", self));
	if (found == NULL)
		found = if_executable(xasprintf("%s/../sbin/filemond", self));
	return found;
}

static char *
find_in_path(void)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t n = strcspn(path, ":");
		char *found = if_executable(xasprintf("%.*s/filemond", (int)n, path));
		if (n > 0 && found != NULL)
			return found;
		free(found);
		path += n + (path[n] == ':');
	}
	/* cron(8) leaves sbin out of PATH. */
	return if_executable(xstrdup("/usr/sbin/filemond"));
}

int
launch_init(struct ctl *ctl, struct launch *launch)
{
	const char *given = getenv("FILEMOND");
	char *found;

	*launch = (struct launch){ .out = -1, .err = -1 };
	if (given != NULL && *given != '\0')
		found = if_executable(xstrdup(given));
	else
		found = find_beside();
	if (found == NULL && given == NULL)
		found = find_in_path();
	if (found == NULL) {
		complain(ctl,
		    "filemond is not there: %s (install it, or name it in FILEMOND)",
		    given != NULL ? given : "neither beside filemonctl nor in PATH");
		return CTL_NOT_INSTALLED;
	}
	strlist_add(&launch->argv, found);
	free(found);
	return CTL_OK;
}

void
launch_release(struct launch *launch)
{
	strlist_release(&launch->argv);
}

void
launch_arg(struct launch *launch, const char *arg)
{
	strlist_add(&launch->argv, arg);
}

void
launch_option(struct launch *launch, const char *name, const char *value)
{
	char *arg = xasprintf("%s=%s", name, value);

	strlist_add(&launch->argv, "-o");
	strlist_add(&launch->argv, arg);
	free(arg);
}

void
launch_common(struct launch *launch, const struct ctl *ctl, const char *project)
{
	launch_arg(launch, "-C");
	launch_arg(launch, project);
	if (ctl->file != NULL) {
		launch_arg(launch, "-c");
		launch_arg(launch, ctl->file);
	}
	for (size_t i = 0; i < ctl->options.n; i++) {
		launch_arg(launch, "-o");
		launch_arg(launch, ctl->options.v[i]);
	}
}

void
launch_list(struct launch *launch, const char *name, const struct strlist *list)
{
	struct buf value = BUF_INIT;

	launch_quote_list(&value, list);
	launch_option(launch, name, value.p);
	buf_release(&value);
}

void
launch_quote_list(struct buf *out, const struct strlist *list)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < list->n; i++) {
		buf_adds(out, i > 0 ? ", " : " ");
		option_quote(out, list->v[i]);
	}
	buf_adds(out, " }");
}

void
launch_exec(const struct launch *launch)
{
	execv(launch->argv.v[0], launch->argv.v);
}

static void NORETURN
become_filemond(const struct launch *launch, pid_t parent)
{
	sigset_t none;

	if (launch->out != -1)
		dup2(launch->out, STDOUT_FILENO);
	if (launch->err != -1)
		dup2(launch->err, STDERR_FILENO);
	if (launch->dies_with_us) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent) /* it went before prctl(2) */
			_exit(CTL_FAILED);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	launch_exec(launch);
	dprintf(
	    STDERR_FILENO, "filemonctl: %s: %s\n", launch->argv.v[0], strerror(errno));
	_exit(CTL_NOT_INSTALLED);
}

pid_t
launch_spawn(const struct launch *launch)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL); /* or the child's end would print it again */
	pid = fork();
	if (pid == 0)
		become_filemond(launch, parent);
	return pid;
}

int
launch_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
