/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_NOFILE_H
#define FILEMON_BASE_NOFILE_H

/*
 * The number of files that a process may have open.  Its soft limit is low for those who
 * use select(2), which filemond does not: it takes as many as it may have, and gives
 * what it starts the limit that it was given itself.
 */

/* Raises the soft limit to the hard one; the former is kept for nofile_restore. */
void nofile_raise(void);
/* Async-signal-safe.  Without nofile_raise before it does nothing. */
void nofile_restore(void);

#endif
