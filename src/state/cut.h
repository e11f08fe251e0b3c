/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_CUT_H
#define FILEMON_STATE_CUT_H

/*
 * What ran when filemon died, and how often that was so since a run of it ended.  It
 * is no attempt.  But a handler that takes filemon with it would be the first after
 * each restart, and nothing else would ever be done: so it is due at once the first
 * time, and then later and later, by chance so that what only happened to run
 * beside it comes to run without it.
 */

#include <stdint.h>

struct state;

/* What is marked running was cut: it is counted, and gets its due time. */
void cut_note(struct state *, int64_t now_ms);
/* A run ended by itself. */
void cut_forget(struct state *, int64_t handler, int64_t node);

#endif
