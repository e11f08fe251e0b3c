/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_HASH_ENTROPY_H
#define FILEMON_HASH_ENTROPY_H

/*
 * How evenly the values of bytes are spread: 0 where all are the same, 8000
 * (8 bits a byte) where each is as frequent as any other, as in what is
 * encrypted or well compressed.  Text is about 4500.  n bytes can have log2(n)
 * bits at most, so of a few bytes it says little.  Pure.
 */

#include <stddef.h>
#include <stdint.h>

struct entropy {
	uint64_t count[256];
	uint64_t bytes;
};

void entropy_add(struct entropy *, const void *, size_t);
/* In 1/1000 bit a byte; -1: no byte was added. */
int32_t entropy_milli(const struct entropy *);

#endif
