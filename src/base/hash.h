/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_HASH_H
#define FILEMON_BASE_HASH_H

/* A hash of bytes for tables in memory, a word at a time; not to be stored. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_MIX UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
hash_word(uint64_t hash, uint64_t word)
{
	return (hash ^ word ^ hash >> 29) * HASH_MIX;
}

static inline uint64_t
hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t word;

	hash = hash_word(hash, n);
	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = hash_word(hash, word);
	}
	word = 0;
	memcpy(&word, p, n);
	hash = hash_word(hash, word);
	/* What differs in the high bits only has to reach the low ones. */
	hash = (hash ^ hash >> 32) * HASH_MIX;
	return hash ^ hash >> 32;
}

#endif
