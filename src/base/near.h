/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_NEAR_H
#define FILEMON_BASE_NEAR_H

/* How far two names are from each other, for "did you mean". */

/* What has more characters is as far from all as that. */
#define NEAR_FAR 32

/* Levenshtein's distance. */
unsigned near_distance(const char *a, const char *b);

#endif
