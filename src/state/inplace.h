/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_INPLACE_H
#define FILEMON_STATE_INPLACE_H

/*
 * Are state.db and its WAL still the files that were opened?  SQLite goes on in one
 * that was removed, or that another was put in place of, and what is written
 * there is gone with the process.  Meanwhile it is all still there, and is put back.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/sql.h"

struct file_id {
	dev_t dev;
	ino_t ino; /* 0: not known, and taken for in place */
};

struct inplace {
	struct file_id file, wal;
};

/* As they are now. */
void inplace_note(struct inplace *, const char *path);
/* Where one cannot look, they are. */
bool inplace_holds(const struct inplace *, const char *path);
/*
 * Writes all that is committed to a new file, on the disk, and puts it at path: to be
 * opened once this one is closed.  -1: logged.
 */
int inplace_restore(struct sql *, const char *path);

#endif
