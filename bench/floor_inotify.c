/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * floor_inotify DIR [-- CMD]: the least that watching a tree by inotify takes:
 * a watch for each directory, a table of paths, read, and a line an event, or
 * CMD started with the path added, two at a time.
 */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASK \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | \
	    IN_ONLYDIR)
#define SLOTS 2

static char **paths; /* by watch */
static size_t paths_cap;
static int fd;
static char **command;
static int command_len;
static int running;

static void
run(char *path)
{
	pid_t pid;

	while (running > 0 && waitpid(-1, NULL, running < SLOTS ? WNOHANG : 0) > 0)
		running--;
	command[command_len] = path;
	if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) == 0)
		running++;
}

static void
report(char *path, const struct inotify_event *event)
{
	if (command == NULL)
		puts(path);
	else if (event != NULL && event->mask & IN_CLOSE_WRITE)
		run(path);
}

static void
keep(int wd, const char *path)
{
	size_t i = (size_t)wd;

	if (i >= paths_cap) {
		size_t cap = i * 2 + 64;
		if ((paths = realloc(paths, cap * sizeof(*paths))) == NULL)
			err(1, NULL);
		memset(paths + paths_cap, 0, (cap - paths_cap) * sizeof(*paths));
		paths_cap = cap;
	}
	free(paths[i]);
	if ((paths[i] = strdup(path)) == NULL)
		err(1, NULL);
}

static void
walk(const char *path, bool fresh)
{
	char below[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int wd = inotify_add_watch(fd, path, MASK);

	if (wd == -1 && errno == ENOSPC)
		err(1, "%s", path);
	if (wd == -1 || (dir = opendir(path)) == NULL)
		return;
	keep(wd, path);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR && !fresh)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (fresh)
			report(below, NULL);
		if (entry->d_type == DT_DIR)
			walk(below, fresh);
	}
	closedir(dir);
}

static void
take(const struct inotify_event *event)
{
	char path[PATH_MAX];

	if (event->wd < 0 || (size_t)event->wd >= paths_cap || event->len == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", paths[event->wd], event->name);
	report(path, event);
	if (event->mask & IN_ISDIR && event->mask & (IN_CREATE | IN_MOVED_TO))
		walk(path, true);
}

static void
watch(void)
{
	alignas(struct inotify_event) static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *event = (const void *)p;
			take(event);
			p += sizeof(*event) + event->len;
		}
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		errx(64, "usage: floor_inotify DIR [-- CMD]");
	if (argc > 3) {
		command_len = argc - 3;
		if ((command = calloc((size_t)command_len + 2, sizeof(*command))) == NULL)
			err(1, NULL);
		memcpy(command, argv + 3, (size_t)command_len * sizeof(*command));
	}
	if ((fd = inotify_init1(IN_CLOEXEC)) == -1)
		err(1, "inotify");
	walk(argv[1], false);
	fputs("ready\n", stderr);
	watch();
	return 1;
}
