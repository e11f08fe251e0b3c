/* SPDX-License-Identifier: ISC */
#include "hash/entropy.h"

#include <math.h>

#include "base/compiler.h"

void
entropy_add(struct entropy *e, const void *data, size_t n)
{
	const unsigned char *s = data;
	for (size_t i = 0; i < n; i++)
		e->count[s[i]]++;
	e->bytes += n;
}

/* Shannon's: the sum of -p log2 p. */
int32_t
entropy_milli(const struct entropy *e)
{
	double bits = 0;
	if (e->bytes == 0)
		return -1;
	for (size_t i = 0; i < COUNTOF(e->count); i++) {
		double p = (double)e->count[i] / (double)e->bytes;
		if (e->count[i] > 0)
			bits -= p * log2(p);
	}
	return bits > 0 ? (int32_t)(bits * 1000 + 0.5) : 0;
}
