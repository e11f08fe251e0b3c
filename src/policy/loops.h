/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_LOOPS_H
#define FILEMON_POLICY_LOOPS_H

/*
 * Handlers that change the very file they are run for, and so would be run for
 * it without end.  A run counts when the path has changed in it, and nobody
 * else has changed it since the run before: who writes to a file all the time
 * does so between runs, too.  After so many in a row the path cools down: it
 * stays pending, and the time doubles with each further run that changes it.
 * A change by somebody else ends that at once.
 *
 * A table of fixed size; what is forgotten for want of room is counted from
 * the beginning.  Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOPS_MAX 128
#define LOOPS_COOLDOWN_MAX_MS (60 * 60 * 1000)

struct loop {
	int64_t node;
	int64_t handler;     /* whose run was the last to change it */
	int64_t ctime_ns;    /* of the path after it */
	int64_t runs;	     /* that changed it, in a row */
	int64_t cooldown_ms; /* the present one; 0: none yet */
	int64_t until_ms;    /* it cools down until */
};

struct loops {
	struct loop v[LOOPS_MAX];
	size_t n;
	uint64_t begun; /* cool-downs, ever */
};

struct loops_limits {
	int64_t runs;	     /* so many in a row; 0: it is never a loop */
	int64_t cooldown_ms; /* the first one */
};

/* What a run has left: handler, node, ctime_ns and now. */
struct loops_run {
	int64_t handler, node;
	int64_t ctime_ns;
	int64_t now_ms;
};

/* The path has changed in the run.  True where it begins to cool down. */
bool loops_changed(struct loops *, const struct loops_limits *, const struct loops_run *);
/* The path is gone. */
void loops_forget(struct loops *, int64_t node);
/* The path is as it was before the handler's run. */
void loops_quiet(struct loops *, int64_t node, int64_t handler);
/*
 * A run may begin for the path, whose ctime is this: in so many ms; 0: now.
 * Another ctime than the last run left means that somebody else was there.
 */
int64_t loops_wait(struct loops *, int64_t node, int64_t ctime_ns, int64_t now_ms);
/* NULL: it does not cool down. */
const struct loop *loops_cooling(const struct loops *, int64_t node, int64_t now_ms);

#endif
