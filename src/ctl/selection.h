/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_SELECTION_H
#define FILEMON_CTL_SELECTION_H

/*
 * Which records of the event log somebody wants to see: of what time, of which
 * types, paths and tags; all where nothing is asked for.  A record is a line; one
 * that is none is wanted only where nothing is asked for but a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "conf/config.h"
#include "ctl/when.h"

struct ctl;
struct globs;
struct project;

enum selection_tag { TAG_TENANT, TAG_USER, TAG_SESSION, TAGS };

struct selection {
	struct when since, until;
	const char *tags[TAGS]; /* NULL: any */
	struct strlist types;
	struct strlist patterns;       /* of paths below a root */
	struct globs *globs;	       /* made of them; NULL: any path */
	const struct project *project; /* whose roots those are */
};

/* Says what is wrong with it, as a usage error; makes the globs. */
void selection_check(struct ctl *, struct selection *);
void selection_release(struct selection *);
/* Is it bounded by a time? */
bool selection_has_times(const struct selection *);

/* ctx is a selection.  By their times: */
bool selection_is_too_early(void *ctx, const char *line, size_t len);
bool selection_is_too_late(const struct selection *, const char *line, size_t len);
/* By all but `since`. */
bool selection_passes(void *ctx, const char *line, size_t len);

#endif
