/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BENCH_COUNT_H
#define FILEMON_BENCH_COUNT_H

/*
 * A fixed workload whose instructions are counted (instructions.sh): callgrind
 * collects within this function and what it calls, so that making the input
 * costs nothing.  The input is the same each time: no clock, no chance.
 */

__attribute__((noinline)) void workload(void);

#endif
