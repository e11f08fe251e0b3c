/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BENCH_STORM_H
#define FILEMON_BENCH_STORM_H

/* Several processes create files, flat out or paced, each its share. */

#include <stdbool.h>
#include <stdint.h>

#define STORM_WRITERS 8

struct storm {
	const char *top;	   /* with the directories s000, s001, ... */
	unsigned long files, dirs; /* file i goes to directory i % dirs */
	unsigned writers;
	unsigned long rate; /* files a second, of all together; 0: flat out */
};

/* Returns when the first write was about to begin. */
int64_t storm_start(const struct storm *);
/* Have all writers ended?  Then at is when the last did. */
bool storm_over(int64_t *at);

#endif
