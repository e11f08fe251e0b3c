/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_LANDLOCK_H
#define FILEMON_WATCHER_LANDLOCK_H

/*
 * The sandbox's part by landlock(7), as far as the kernel knows it: no writing
 * outside of the places of the setup, no executing, no TCP, no signals to others.
 * 0, or what it fails with.
 */

struct sandbox_setup;

int landlock_enter(const struct sandbox_setup *);
/*
 * The right to empty a file that is opened for reading only.  It is apart because
 * the kernel looks for it at every open of whatever, up to the root of everything:
 * a fifth of the time that listing a tree takes.  Where a seccomp(2) filter lets
 * nothing be emptied so, nobody needs it.
 */
int landlock_enter_truncate(const struct sandbox_setup *);

#endif
