/* SPDX-License-Identifier: ISC */
#include "base/near.h"

#include <string.h>

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

/* A row of the table at a time. */
unsigned
near_distance(const char *a, const char *b)
{
	unsigned row[NEAR_FAR + 1];
	size_t na = strlen(a), nb = strlen(b);
	if (na > NEAR_FAR || nb > NEAR_FAR)
		return NEAR_FAR;
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned up = row[j];
			row[j] = min3(
			    up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}
	return row[nb];
}
