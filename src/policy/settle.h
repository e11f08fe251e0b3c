/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_SETTLE_H
#define FILEMON_POLICY_SETTLE_H

/* When a changed path is due, and whether its stamps can be trusted.  Pure. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct settle_limits {
	int64_t settle_ms;     /* quiet for so long */
	int64_t settle_max_ms; /* or dirty for so long */
};

/* Due time of a path dirty since first_ms that changed again at now_ms. */
int64_t settle_due(const struct settle_limits *, int64_t first_ms, int64_t now_ms);

/*
 * A stamp younger than the clock tick of the file system may stand for two
 * writes: with size, mtime and ctime equal, content may yet differ.  Returns
 * how many ms from wall_ns on the stamps of st become sure; 0: they are.
 * Whole-second stamps are taken for a file system with a tick of up to 2 s.
 */
int64_t settle_unsure_ms(const struct stat *st, int64_t wall_ns);
/* The same by the stamps alone, in ns. */
int64_t settle_unsure_stamps_ms(int64_t mtime_ns, int64_t ctime_ns, int64_t wall_ns);

#endif
