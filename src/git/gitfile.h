/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_GIT_GITFILE_H
#define FILEMON_GIT_GITFILE_H

/*
 * What the text of files in a .git directory says (gitrepository-layout(5)).
 * Pure: nothing is read here.  Any text is taken; what is not understood is
 * not there.
 */

#include <stdbool.h>
#include <stddef.h>

#define GITFILE_OID_SIZE 65 /* SHA-1 or SHA-256 in hex */
#define GITFILE_REF_SIZE 1024

struct git_head {
	char ref[GITFILE_REF_SIZE];    /* "refs/heads/main"; "": detached */
	char commit[GITFILE_OID_SIZE]; /* of a detached one; else "" */
};

/* HEAD, or a loose ref: "ref: NAME" or an object's name. */
bool gitfile_head(const char *text, struct git_head *);
/* A line of packed-refs: is it that ref's? */
bool gitfile_packed(const char *line, const char *ref, char oid[GITFILE_OID_SIZE]);
/* The file .git of a linked worktree or submodule: "gitdir: PATH"; NULL: it is
   none.  Cuts the line's end off. */
const char *gitfile_dir(char *text);

#endif
