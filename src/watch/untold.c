/* SPDX-License-Identifier: ISC */
#include "watch/untold.h"

#include <string.h>

#include "watch/fresh.h"

static uint64_t
bit_of(uint64_t key)
{
	return UINT64_C(1) << key % 64;
}

void
untold_add(struct untold *u, int wd, const char *name, size_t len)
{
	uint64_t key = fresh_key(wd, name, len);

	u->since[key / 64 % UNTOLD_WORDS] |= bit_of(key);
}

bool
untold_has(const struct untold *u, int wd, const char *name, size_t len)
{
	uint64_t key = fresh_key(wd, name, len);
	size_t word = key / 64 % UNTOLD_WORDS;

	return ((u->listed[word] | u->since[word]) & bit_of(key)) != 0;
}

void
untold_turn(struct untold *u, bool over)
{
	if (over)
		memset(u->listed, 0, sizeof(u->listed));
	for (size_t i = 0; i < UNTOLD_WORDS; i++)
		u->listed[i] |= u->since[i];
	memset(u->since, 0, sizeof(u->since));
}
