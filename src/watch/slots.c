/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "watch/slots.h"

#define MIX UINT64_C(0x9e3779b97f4a7c15)
#define SIZE_MIN 16

static uint64_t
hash_name(const struct dirtab *t, uint32_t parent, const char *name, size_t len)
{
	uint64_t h = (t->seed ^ parent) * MIX + len, word;

	for (; len >= sizeof(word); name += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		h = (h ^ word ^ h >> 29) * MIX;
	}
	word = 0;
	memcpy(&word, name, len);
	h = (h ^ word ^ h >> 29) * MIX;
	return (h ^ h >> 32) * MIX;
}

static uint64_t
hash_wd(int wd)
{
	return (uint64_t)(uint32_t)wd * MIX;
}

/* The slot where a search for the hash begins; size is a power of two. */
static uint32_t
slot_of(const struct dirtab_slots *s, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & (s->size - 1);
}

static uint64_t
hash_of(const struct dirtab *t, const struct dirtab_slots *s, uint32_t dir)
{
	const struct dir *d = &t->dirs[dir];

	if (s == &t->by_wd)
		return hash_wd(d->wd);
	return hash_name(t, d->parent, t->names + d->name, d->name_len);
}

void
slots_put(const struct dirtab *t, struct dirtab_slots *s, uint32_t dir)
{
	uint32_t i = slot_of(s, hash_of(t, s, dir));

	while (s->at[i] != DIRTAB_NONE)
		i = (i + 1) & (s->size - 1);
	s->at[i] = dir;
	s->used++;
}

static int
slots_resize(const struct dirtab *t, struct dirtab_slots *s, uint32_t size)
{
	struct dirtab_slots old = *s;
	uint32_t *at = malloc(size * sizeof(*at));

	if (at == NULL)
		return -1;
	memset(at, 0xff, size * sizeof(*at));
	*s = (struct dirtab_slots){ .at = at, .size = size };
	for (uint32_t i = 0; i < old.size; i++)
		if (old.at[i] != DIRTAB_NONE)
			slots_put(t, s, old.at[i]);
	free(old.at);
	return 0;
}

int
slots_reserve(const struct dirtab *t, struct dirtab_slots *s, uint32_t n)
{
	uint32_t size = s->size ? s->size : SIZE_MIN;

	while (n > size / 4 * 3)
		size *= 2;
	return size == s->size ? 0 : slots_resize(t, s, size);
}

void
slots_del(const struct dirtab *t, struct dirtab_slots *s, uint32_t dir)
{
	uint32_t mask = s->size - 1, i = slot_of(s, hash_of(t, s, dir)), next;

	while (s->at[i] != dir)
		i = (i + 1) & mask;
	for (next = (i + 1) & mask; s->at[next] != DIRTAB_NONE;
	     next = (next + 1) & mask) {
		uint32_t home = slot_of(s, hash_of(t, s, s->at[next]));
		if (((next - home) & mask) >= ((next - i) & mask)) {
			s->at[i] = s->at[next];
			i = next;
		}
	}
	s->at[i] = DIRTAB_NONE;
	s->used--;
}

uint32_t
slots_find_wd(const struct dirtab *t, int wd)
{
	const struct dirtab_slots *s = &t->by_wd;
	uint32_t i = slot_of(s, hash_wd(wd)), dir;

	while ((dir = s->at[i]) != DIRTAB_NONE && t->dirs[dir].wd != wd)
		i = (i + 1) & (s->size - 1);
	return dir;
}

static bool
is_named(
    const struct dirtab *t, uint32_t dir, uint32_t parent, const char *name, size_t len)
{
	const struct dir *d = &t->dirs[dir];

	return d->parent == parent && d->name_len == len &&
	    memcmp(t->names + d->name, name, len) == 0;
}

uint32_t
slots_find_name(const struct dirtab *t, uint32_t parent, const char *name, size_t len)
{
	const struct dirtab_slots *s = &t->by_name;
	uint32_t i = slot_of(s, hash_name(t, parent, name, len)), dir;

	while ((dir = s->at[i]) != DIRTAB_NONE && !is_named(t, dir, parent, name, len))
		i = (i + 1) & (s->size - 1);
	return dir;
}
