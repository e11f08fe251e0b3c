/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_PROGRAMS_H
#define FILEMON_RUNNER_PROGRAMS_H

/*
 * Can what the configuration names be run?  A program that is missing is no fault
 * of the configuration, since it may come before it is wanted; but it is better
 * known at the start than with the first file.
 */

struct config;

/* Calls say, for each that cannot be run, with a line for people. */
void programs_check(const struct config *, void (*say)(const char *line));

#endif
