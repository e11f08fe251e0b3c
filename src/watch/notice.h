/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_NOTICE_H
#define FILEMON_WATCH_NOTICE_H

/*
 * What the kernel says about a directory or a name in it, whichever backend
 * read it.  The bits of mask are those of inotify(7).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fm_watch;

struct notice {
	int wd;
	uint32_t mask, cookie;
	const char *name; /* not NUL-terminated */
	size_t len;	  /* 0: about the watched directory itself */
};

/* Is the name as the kernel gives it: one component, not "." or ".."? */
bool notice_is_sane(const struct notice *);
void notice_apply(struct fm_watch *, const struct notice *);
/* The same for a directory that was found already; the mask is not about the queue. */
void notice_apply_to(struct fm_watch *, uint32_t dir, const struct notice *);

#endif
