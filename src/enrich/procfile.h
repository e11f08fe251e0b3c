/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_ENRICH_PROCFILE_H
#define FILEMON_ENRICH_PROCFILE_H

/*
 * What the text of files in /proc/PID says (proc(5)).  Pure: nothing is read
 * here.  Any text is taken; what is cut off or malformed is not there.
 */

#include <stdbool.h>
#include <stddef.h>

struct proc_stat {
	const char *command; /* within the text; may hold any byte */
	size_t command_len;
	int parent, group, session;
	int tty; /* device number of the terminal; 0: none */
};

/* text ends with a NUL.  false where it is no stat. */
bool procfile_stat(const char *text, struct proc_stat *);

unsigned procfile_tty_major(int tty);
unsigned procfile_tty_minor(int tty);
/* N of /dev/pts/N; -1: it is another kind of terminal. */
int procfile_pts(int tty);

/* The value of a variable in an environ of len bytes, after which there is a NUL;
   NULL: it is not there, or cut off. */
const char *procfile_env(const char *text, size_t len, const char *name);

#endif
