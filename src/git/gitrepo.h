/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_GIT_GITREPO_H
#define FILEMON_GIT_GITREPO_H

/*
 * A repository and its work tree: where its files are, what branch and commit it
 * is on, as its files say.  Neither git nor one of its locks is used.  HEAD and
 * the branch's file are read anew each time; packed-refs, which may be long, is
 * when it has changed.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "git/gitfile.h"

struct gitstage;

struct gitrepo {
	char *top;    /* of the work tree, absolute */
	char *dir;    /* .git, or where that file leads */
	char *common; /* where the branches are: dir, but for a linked work tree */
	bool linked;  /* .git is a file that leads to dir */
	struct git_head head;
	struct gitstage *stage;
	/* packed-refs as it was read last, and for whom */
	struct stat packed;
	char packed_ref[GITFILE_REF_SIZE];
	char packed_oid[GITFILE_OID_SIZE]; /* "": it has none */
};

/* 1: top is one of a work tree; 0: it is none; -1: that cannot be told.  Only with
   1 there is something to release. */
int gitrepo_open(struct gitrepo *, const char *top);
void gitrepo_release(struct gitrepo *);
/* false where there is no repository any more.  head is what it is on now: with a
   ref, the commit is that of the branch, "" where it has none yet. */
bool gitrepo_read(struct gitrepo *);

#endif
