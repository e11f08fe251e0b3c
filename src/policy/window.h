/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_WINDOW_H
#define FILEMON_POLICY_WINDOW_H

/* What is held of one path while it may be being saved (save.h), and what that
   would be as records. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eventlog/event.h"
#include "policy/save.h"

#define WINDOW_TEMPS 4

enum window_stage {
	WINDOW_FREE,
	WINDOW_MADE,	/* created: may be renamed over another file */
	WINDOW_CAME,	/* created and gone again: perhaps renamed, unseen */
	WINDOW_GONE,	/* deleted, or renamed to what is not wanted */
	WINDOW_MOVED,	/* renamed: may be made anew, as after the one before */
	WINDOW_WRITTEN, /* its content changed once */
	WINDOW_SAVED,	/* an edited */
};

/* A path relative to the window's root. */
struct window_name {
	char *p;
	size_t len;
};

struct window {
	enum window_stage stage;
	const char *root; /* the caller's, until it is let out */
	struct window_name path;
	struct window_name moved; /* where the old file is now, of MOVED and SAVED */
	bool moved_over;	  /* there was a file at moved before */
	bool fresh;		  /* of SAVED: the path was not there before */
	bool has_st;
	enum event_method method;
	struct window_name temps[WINDOW_TEMPS];
	size_t n_temps;
	struct stat st;
	const char *source;
	struct window_name doer; /* the same one of all its records; else none */
	int64_t first_ms, due_ms;
	uint64_t records; /* that came in */
};

void window_release(struct window *);
void window_set(struct window_name *, const char *path, size_t len);
void window_clear(struct window_name *);
bool window_is(const struct window_name *, const char *path, size_t len);
/* Is the name dir, or below it?  dir NULL: no. */
bool window_is_below(const struct window_name *, const char *dir, size_t len);
/* Is path below the name? */
bool window_is_above(const struct window_name *, const char *path, size_t len);
/* One more than there is room for is not named. */
void window_add_temp(struct window *, const char *path, size_t len);
/* It is a save; an atomic one where it was one of another kind too. */
void window_saved(struct window *, enum event_method);
/* The records that it is, now. */
void window_tell(const struct window *, save_emit_cb, void *ctx);

#endif
