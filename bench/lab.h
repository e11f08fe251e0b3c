/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BENCH_LAB_H
#define FILEMON_BENCH_LAB_H

/*
 * What the timed programs agree on: the clock, and where things are in a
 * generated tree.  Directory 0 is the tree's root; each has up to 32 below it,
 * in order of numbers.  A file is found in any line of output by its name, "f"
 * and seven digits: its number.
 */

#include <stddef.h>
#include <stdint.h>

#define LAB_PATH 512
#define LAB_FANOUT 32

/* CLOCK_MONOTONIC in ns: the same in every process. */
int64_t lab_now(void);
void lab_sleep_until(int64_t ns);
/* The path of directory i below top. */
void lab_dir(char out[LAB_PATH], const char *top, unsigned long i);
/* The path of file id, where each directory has per files. */
void lab_file(char out[LAB_PATH], const char *top, unsigned long id, unsigned long per);
/* Creates or rewrites path: one byte. */
void lab_write(const char *path);
unsigned long lab_number(const char *text);

#endif
