/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/nudge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "ctl/project.h"

#define TITLE "filemond: watcher "
#define TEXT_MAX (64 * 1024)

/* NULL where the process is gone. */
static char *
read_proc(pid_t pid, const char *name)
{
	char *path = xasprintf("/proc/%d/%s", (int)pid, name);
	char *text = fd_read_file(path, TEXT_MAX, NULL);

	free(path);
	return text;
}

static bool
is_watcher(pid_t pid)
{
	char *title = read_proc(pid, "cmdline");
	bool yes = title != NULL && strncmp(title, TITLE, strlen(TITLE)) == 0;

	free(title);
	return yes;
}

/* 0 where there is none, or the kernel lists no children. */
static pid_t
watcher_of(pid_t supervisor)
{
	char *name = xasprintf("task/%d/children", (int)supervisor);
	char *list = read_proc(supervisor, name), *at = list, *end = list;
	pid_t found = 0;

	for (; at != NULL && found == 0; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			break;
		if (is_watcher(pid))
			found = pid;
	}
	free(list);
	free(name);
	return found;
}

/* starttime, the 22nd field of proc_pid_stat(5), counts ticks since the boot. */
static int64_t
age_of(pid_t pid)
{
	char *text = read_proc(pid, "stat");
	const char *after = text == NULL ? NULL : strrchr(text, ')');
	unsigned long long ticks;
	struct timespec now;
	int64_t age = -1;

	if (after != NULL && clock_gettime(CLOCK_BOOTTIME, &now) == 0 &&
	    sscanf(after,
		") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%*s %*s %llu",
		&ticks) == 1)
		age = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
		    (int64_t)(ticks * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
	free(text);
	return age;
}

/* Has it begun?  From then on it catches the signal. */
static bool
catches(pid_t pid, int sig)
{
	char *text = read_proc(pid, "status");
	const char *mask = text == NULL ? NULL : strstr(text, "\nSigCgt:");
	unsigned long long caught = 0;

	if (mask != NULL)
		sscanf(mask, "\nSigCgt: %llx", &caught);
	free(text);
	return caught >> (sig - 1) & 1;
}

int64_t
nudge_watcher(const char *state_dir)
{
	pid_t supervisor = state_dir_pid(state_dir);
	pid_t watcher = supervisor == 0 ? 0 : watcher_of(supervisor);

	if (watcher == 0 || !catches(watcher, SIGCONT) || kill(watcher, SIGCONT) == -1)
		return -1;
	return age_of(watcher);
}
