/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_ENRICH_GIT_H
#define FILEMON_ENRICH_GIT_H

/*
 * The repository that a path is in, as a member of its record: its top, branch
 * and commit, and whether the file is as the index has it (option enrich).
 * Looked up at most once a turn; a few repositories are remembered.
 */

struct event;
struct git;

struct git *git_new(void);
void git_free(struct git *);
/* What was looked up may have changed since. */
void git_forget(struct git *);
/* ,"git_context":{...}; NULL: it is in none, or in a .git directory.  Valid until
   the next call. */
const char *git_context(struct git *, const struct event *);

#endif
