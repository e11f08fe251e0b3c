/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "runner/privilege.h"

#define TEXT_MAX (256 * 1024)
/* Where filemond's own processes go: a group with limits below it holds none itself. */
#define OWN_NAME "filemon"
#define JOB_PREFIX "filemon-job-"
#define MOVE_PASSES 5

struct cgroups {
	char *path; /* NULL: there is none */
	int fd;
	bool memory, cpu; /* controllers that jobs' groups have */
	char text[256];
};

struct cgroup {
	const struct cgroups *parent;
	char *name;
	int fd, procs_fd;
	bool limited;
};

static int
put(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	fd_close(&fd);
	return n == -1 ? -1 : 0;
}

static bool
is_cgroup2(const char *path)
{
	struct statfs fs;
	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* systemd.resource-control(5): Delegate=. */
static bool
is_delegated(const char *path)
{
	char value[2] = "";
	return (getxattr(path, "user.delegate", value, 1) == 1 ||
		   getxattr(path, "trusted.delegate", value, 1) == 1) &&
	    value[0] == '1' && access(path, W_OK) == 0;
}

/* The directory of this process's own group: "0::/path" below where it is mounted. */
static char *
own_path(void)
{
	size_t len;
	char *text = fd_read_file("/proc/self/cgroup", TEXT_MAX, &len);
	char *line = text ? strstr(text, "0::/") : NULL, *path = NULL;
	if (line) {
		line[strcspn(line, "\n")] = '\0';
		path = xasprintf("%s%s",
		    is_cgroup2("/sys/fs/cgroup") ? "/sys/fs/cgroup"
						 : "/sys/fs/cgroup/unified",
		    line + strlen("0::"));
	}
	free(text);
	return path;
}

/* After a restart of the runner it is in the group that it made for itself. */
static char *
find_own(void)
{
	char *path = own_path(), *slash = path ? strrchr(path, '/') : NULL;
	if (slash && strcmp(slash + 1, OWN_NAME) == 0)
		*slash = '\0';
	if (path && is_cgroup2(path) && is_delegated(path))
		return path;
	free(path);
	return NULL;
}

/* false where nothing is in the group itself, or it cannot be told. */
static bool
move_some(const struct cgroups *groups, const char *file)
{
	size_t len;
	char *text = fd_read_file(file, TEXT_MAX, &len);
	bool found = text && *text;
	for (char *p = text, *next; found && *p; p = next) {
		next = p + strcspn(p, "\n");
		if (*next)
			*next++ = '\0';
		if (put(groups->fd, OWN_NAME "/cgroup.procs", p) == -1 && errno != ESRCH)
			log_warn(
			    "cgroup %s: process %s cannot be moved", groups->path, p);
	}
	free(text);
	return found;
}

/*
 * All that is in the delegated group is filemond's.  The watcher may be started
 * while we read, by a supervisor that was not moved yet: so it is read again.
 */
static void
move_own(const struct cgroups *groups)
{
	char *file = xasprintf("%s/cgroup.procs", groups->path);
	int passes = MOVE_PASSES;
	if (mkdirat(groups->fd, OWN_NAME, 0755) == 0 || errno == EEXIST)
		while (passes-- > 0 && move_some(groups, file))
			continue;
	free(file);
}

static void
enable(struct cgroups *groups)
{
	groups->memory = put(groups->fd, "cgroup.subtree_control", "+memory") == 0;
	groups->cpu = put(groups->fd, "cgroup.subtree_control", "+cpu") == 0;
	snprintf(groups->text, sizeof(groups->text), "cgroup %.180s (%s%s%s)",
	    groups->path, groups->memory ? "memory" : "",
	    groups->memory && groups->cpu ? ", " : "",
	    groups->cpu		 ? "cpu"
		: groups->memory ? ""
				 : "no controllers: limits by rlimits");
}

static const char *
open_group(struct cgroups *groups, const char *where)
{
	bool own = strcmp(where, "auto") == 0;
	if (strcmp(where, "off") == 0)
		return "switched off";
	groups->path = own ? find_own() : xstrdup(where);
	if (!groups->path)
		return "no cgroup is delegated";
	if (!is_cgroup2(groups->path))
		return "no cgroup of version 2";
	groups->fd = open(groups->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (groups->fd == -1 || faccessat(groups->fd, ".", W_OK, 0) == -1)
		return strerror(errno);
	if (own)
		move_own(groups);
	enable(groups);
	return NULL;
}

static void
end_leftovers(const struct cgroups *groups, const char *family)
{
	char *prefix = xasprintf(JOB_PREFIX "%s.", family);
	int fd = dup(groups->fd);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		char *file = xasprintf("%s/cgroup.kill", entry->d_name);
		put(groups->fd, file, "1");
		free(file);
		unlinkat(groups->fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
	free(prefix);
}

struct cgroups *
cgroups_new(const char *where, const char *family)
{
	struct cgroups *groups = xcalloc(1, sizeof(*groups));
	groups->fd = -1;
	const char *why = open_group(groups, where);
	if (!why) {
		if (*family)
			end_leftovers(groups, family);
		return groups;
	}
	fd_close(&groups->fd);
	snprintf(groups->text, sizeof(groups->text), "rlimits (%s)", why);
	return groups;
}

void
cgroups_free(struct cgroups *groups)
{
	if (!groups)
		return;
	fd_close(&groups->fd);
	free(groups->path);
	free(groups);
}

const char *
cgroups_text(const struct cgroups *groups)
{
	return groups->text;
}

static int
put_number(int dir, const char *file, int64_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, number);
	return put(dir, file, text);
}

/* What no controller sees to is the child's to take (privilege_limit). */
static bool
limit(const struct cgroup *group, const struct privilege_limits *limits)
{
	bool memory = limits->memory_max == 0 ||
	    (group->parent->memory &&
		put_number(group->fd, "memory.max", limits->memory_max) == 0);
	bool cpu = limits->cpu_weight == 0 ||
	    (group->parent->cpu &&
		put_number(group->fd, "cpu.weight", limits->cpu_weight) == 0);
	if (group->parent->memory)
		put(group->fd, "memory.oom.group", "1");
	return memory && cpu;
}

struct cgroup *
cgroup_new(
    struct cgroups *groups, const char *name, const struct privilege_limits *limits)
{
	if (groups->fd == -1) {
		errno = ENOTSUP;
		return NULL;
	}
	struct cgroup *group = xcalloc(1, sizeof(*group));
	group->parent = groups;
	group->name = xasprintf(JOB_PREFIX "%s", name);
	group->fd = group->procs_fd = -1;
	if (mkdirat(groups->fd, group->name, 0755) == -1 && errno != EEXIST)
		goto fail;
	group->fd = openat(groups->fd, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->fd == -1)
		goto fail;
	group->procs_fd = openat(group->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (group->procs_fd == -1)
		goto fail;
	group->limited = limit(group, limits);
	return group;
fail:
	cgroup_free(group);
	return NULL;
}

int
cgroup_procs_fd(const struct cgroup *group)
{
	return group->procs_fd;
}

bool
cgroup_limits(const struct cgroup *group)
{
	return group->limited;
}

/* Since Linux 5.14. */
void
cgroup_kill(const struct cgroup *group)
{
	put(group->fd, "cgroup.kill", "1");
}

void
cgroup_free(struct cgroup *group)
{
	if (!group)
		return;
	int saved = errno;
	if (group->fd != -1)
		cgroup_kill(group);
	fd_close(&group->procs_fd);
	fd_close(&group->fd);
	unlinkat(group->parent->fd, group->name, AT_REMOVEDIR);
	free(group->name);
	free(group);
	errno = saved;
}
