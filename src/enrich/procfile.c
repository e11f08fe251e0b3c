/* SPDX-License-Identifier: ISC */
#include "enrich/procfile.h"

#include <stdio.h>
#include <string.h>

#define PTS_MAJOR 136
#define PTS_MAJORS 8

/* "pid (command) state parent group session tty ...": the command may hold
   anything, ") " too. */
bool
procfile_stat(const char *text, struct proc_stat *stat)
{
	const char *from = strchr(text, '(');
	const char *to = from == NULL ? NULL : strrchr(from, ')');

	if (to == NULL ||
	    sscanf(to, ") %*c %d %d %d %d", &stat->parent, &stat->group, &stat->session,
		&stat->tty) != 4)
		return false;
	stat->command = from + 1;
	stat->command_len = (size_t)(to - from - 1);
	return true;
}

/* As the kernel packs it: new_encode_dev, include/linux/kdev_t.h. */
unsigned
procfile_tty_major(int tty)
{
	return (unsigned)tty >> 8 & 0xfff;
}

unsigned
procfile_tty_minor(int tty)
{
	return ((unsigned)tty & 0xff) | ((unsigned)tty >> 12 & 0xfff00);
}

/* Eight majors for them, of which today's kernels use the first alone. */
int
procfile_pts(int tty)
{
	unsigned major = procfile_tty_major(tty), minor = procfile_tty_minor(tty);

	if (major < PTS_MAJOR || major >= PTS_MAJOR + PTS_MAJORS)
		return -1;
	return (int)((major - PTS_MAJOR) * 256 + minor);
}

const char *
procfile_env(const char *text, size_t len, const char *name)
{
	const char *end = text + len;
	size_t name_len = strlen(name);

	while (text < end) {
		size_t n = strlen(text);

		if (text + n == end)
			break;
		if (n > name_len && text[name_len] == '=' &&
		    memcmp(text, name, name_len) == 0)
			return text + name_len + 1;
		text += n + 1;
	}
	return NULL;
}
