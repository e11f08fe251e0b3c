/* SPDX-License-Identifier: ISC */
#include "conf/place.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "conf/argv.h"

char *
place_join(const char *dir, const char *path)
{
	char *joined;
	size_t len;
	while (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
		path += path[1] == '/' ? 2 : 1;
	if (path[0] == '/')
		joined = xstrdup(path);
	else
		joined = xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, path);
	for (len = strlen(joined); len > 1 && joined[len - 1] == '/'; len--)
		joined[len - 1] = '\0';
	return joined;
}

static int
refuse_owner(const char *dir, uid_t uid, char *error, size_t size)
{
	const struct passwd *pw = getpwuid(uid);
	snprintf(error, size,
	    "%.300s: belongs to %.32s (uid %lu): it is used by its owner only, and says "
	    "what is "
	    "run (run filemon as that user, or chown it)",
	    dir, pw ? pw->pw_name : "another user", (unsigned long)uid);
	return -1;
}

int
place_check(const char *dir, char *error, size_t size)
{
	struct stat st;
	if (lstat(dir, &st) == -1) {
		if (errno == ENOENT)
			return 0;
		snprintf(error, size, "%.300s: cannot look: %s", dir, strerror(errno));
		return -1;
	}
	if (S_ISLNK(st.st_mode)) {
		snprintf(error, size, "%.300s: is a symbolic link: a directory is wanted",
		    dir);
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(error, size, "%.300s: is no directory: one is wanted", dir);
		return -1;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return refuse_owner(dir, st.st_uid, error, size);
	if (st.st_mode & S_IWOTH) {
		snprintf(error, size,
		    "%.300s: everyone may write there: run 'chmod o-w' on it (it says "
		    "what is run)",
		    dir);
		return -1;
	}
	return 0;
}

int
place_is_dir(const char *path, char *error, size_t size)
{
	struct stat st;
	int rc = stat(path, &st);
	if (rc == -1) {
		snprintf(error, size, "%.300s: %s: a directory is wanted", path,
		    strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		snprintf(error, size, "%.300s: is no directory: one is wanted", path);
		rc = -1;
	}
	return rc;
}

static int
resolve_root(char **root, const char *project, char *error, size_t size)
{
	char *joined = place_join(project, *root), *resolved = NULL;
	int rc = place_is_dir(joined, error, size);
	if (rc == 0 && !(resolved = realpath(joined, NULL))) {
		snprintf(error, size, "%.300s: %s: a directory is wanted", joined,
		    strerror(errno));
		rc = -1;
	}
	if (resolved) {
		free(*root);
		*root = resolved;
	}
	free(joined);
	return rc;
}

static bool
is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0' || strcmp(dir, "/") == 0);
}

int
place_roots(struct strlist *roots, const char *project, char *error, size_t size)
{
	if (roots->n == 0)
		strlist_add(roots, project);
	for (size_t i = 0; i < roots->n; i++)
		if (resolve_root(&roots->v[i], project, error, size) == -1)
			return -1;
	for (size_t i = 0; i < roots->n; i++) {
		for (size_t j = 0; j < roots->n; j++) {
			if (i == j || !is_within(roots->v[i], roots->v[j]))
				continue;
			snprintf(error, size,
			    "%.200s is within %.200s: name the upper one only",
			    roots->v[i], roots->v[j]);
			return -1;
		}
	}
	return 0;
}

/* A name that cannot be looked at is no project of ours. */
static bool
holds_project(const char *dir)
{
	struct stat st;
	char *path = place_join(dir, ".filemon");
	bool found =
	    lstat(path, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
	free(path);
	return found;
}

char *
config_find_project(const char *dir)
{
	char *path = realpath(dir ? dir : ".", NULL);
	while (path && !holds_project(path)) {
		char *slash = strrchr(path, '/');
		if (slash[1] == '\0') {
			free(path);
			errno = ENOENT;
			return NULL;
		}
		slash[slash == path] = '\0';
	}
	return path;
}
