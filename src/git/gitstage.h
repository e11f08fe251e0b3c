/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_GIT_GITSTAGE_H
#define FILEMON_GIT_GITSTAGE_H

/*
 * Looking up files in the index of a repository, which is on the disk.  It is
 * gone through once whenever it has changed, and every so many entries a mark is
 * kept; a look-up goes to the mark before and on from there.  An index that is
 * too large, split or sparse, or that git is just writing, tells nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "git/gitindex.h"

struct gitstage;

struct gitstage_answer {
	bool known;   /* the index was read */
	bool tracked; /* and the path is in it */
	enum gitindex_answer answer;
};

struct gitstage *gitstage_new(void);
void gitstage_free(struct gitstage *);
/* From now on it may have changed. */
void gitstage_forget(struct gitstage *);
/* Whether path, below the top of the repository whose .git directory is dir, is
   file (NULL: gone) in the index.  oid_len as in gitindex_begin. */
struct gitstage_answer gitstage_look(struct gitstage *, const char *dir, size_t oid_len,
    const char *path, const struct stat *file);

#endif
