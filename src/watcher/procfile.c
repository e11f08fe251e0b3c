/* SPDX-License-Identifier: ISC */
#include "watcher/procfile.h"

#include <stdio.h>
#include <string.h>

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
