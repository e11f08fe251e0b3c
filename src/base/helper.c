/* SPDX-License-Identifier: ISC */
#include "base/helper.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xmalloc.h"

/*
 * Beside the running program; NULL where it is not there.  After an upgrade the
 * link names a file that is " (deleted)", but its folder is the same.
 */
static char *
path_beside(const char *name)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	char *slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	char *path = xasprintf("%s/%s", exe, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *
helper_path(const char *name)
{
	const char *dir = getenv("FILEMON_LIBEXECDIR");
	if (dir && dir[0] != '\0')
		return xasprintf("%s/%s", dir, name);
	char *path = path_beside(name);
	return path ? path : xasprintf("%s/%s", FILEMON_PKGLIBEXECDIR, name);
}
