/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_PROGRESS_H
#define FILEMON_RUNNER_PROGRESS_H

/*
 * How far a sink has come, and the file that keeps it (cursor.h).  Where that
 * cannot be written it is said once, and records may come again; where somebody
 * removed it, it is made anew.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/cursor.h"

struct progress {
	const char *sink; /* its name, for log lines */
	struct cursor cursor;
	char *dir; /* of the state; in another one at its path nothing is written */
	dev_t dev;
	ino_t ino;
	uint64_t seq; /* of the last record that it has */
	bool unsaved; /* seq is higher than what the file has */
	bool unsavable;
};

/* name stays the caller's. */
void progress_init(struct progress *, const char *state_dir, const char *name);
void progress_release(struct progress *);
/*
 * Where it goes on.  One of which nothing is noted begins after new_seq; a log
 * that ends, at last, before what is noted was begun anew, and is all new to it.
 */
void progress_begin(struct progress *, uint64_t new_seq, uint64_t last);
/* It never goes back. */
void progress_move(struct progress *, uint64_t seq);
void progress_save(struct progress *);

#endif
