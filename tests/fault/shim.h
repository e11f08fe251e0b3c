/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_SHIM_H
#define FILEMON_TESTS_SHIM_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fault.h"

/* The function of that name that this library stands before. */
#define SHIM_REAL(pointer, name) \
	do { \
		if ((pointer) == NULL) \
			*(void **)&(pointer) = dlsym(RTLD_NEXT, name); \
	} while (0)

extern struct fault_page *fault_page;

/* A call of this class: must it fail?  Then errno says how. */
bool fault_hit(enum fault_class class);
bool fault_in_role(enum fault_role role);
/* In the child. */
void fault_forked(void);

/* Calls made meanwhile are the library's own. */
void fault_pause(bool pause);

/* shadow.c, for the watcher's directory.  It begins; */
void shadow_start(void);
/* after a call that makes what fd is open on durable. */
void shadow_synced(int fd);
/* The power goes: what is durable is in fault_page->left, all others are dead. */
void shadow_cut(void);

#endif
