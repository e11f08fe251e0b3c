/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_MEM_H
#define FILEMON_BASE_MEM_H

/*
 * Gives back to the kernel the memory that only what was done so far has
 * needed: what is free in the heap, and the pages of the program and its
 * libraries that are in their files as well.  Nothing changes but how much of
 * the process is in memory: what is needed of those pages again comes back at
 * its first touch.  For the end of work that does not come again soon, such as
 * the start; takes some ten microseconds.
 */
void mem_give_back(void);

#endif
