/* SPDX-License-Identifier: ISC */
#include "watcher/dircache.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xmalloc.h"

#define WAYS 4 /* slots where a path may be */

static struct dircache_entry **
slots_of(struct dircache *cache, const char *path, size_t len)
{
	size_t set = hash_bytes(0, path, len) % (DIRCACHE_SLOTS / WAYS);

	return &cache->slots[set * WAYS];
}

static bool
is_for(const struct dircache_entry *entry, const char *path, size_t len)
{
	return entry != NULL && entry->len == len && memcmp(entry->path, path, len) == 0;
}

struct dircache_entry *
dircache_find(struct dircache *cache, const char *path, size_t len)
{
	struct dircache_entry **slots = slots_of(cache, path, len);

	for (size_t i = 0; i < WAYS; i++)
		if (is_for(slots[i], path, len))
			return slots[i];
	return NULL;
}

static size_t
id_slot(int64_t id)
{
	return (uint64_t)id % DIRCACHE_SLOTS;
}

const struct dircache_entry *
dircache_by_id(const struct dircache *cache, int64_t id)
{
	const struct dircache_entry *entry = cache->slots[cache->by_id[id_slot(id)]];

	return entry != NULL && entry->id == id ? entry : NULL;
}

/* Where the path goes: to its own slot, an empty one, or each in its turn. */
static struct dircache_entry **
slot_for(struct dircache *cache, const char *path, size_t len)
{
	struct dircache_entry **slots = slots_of(cache, path, len);
	struct dircache_entry **found = &slots[cache->turn++ % WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		if (is_for(slots[i], path, len))
			return &slots[i];
		if (slots[i] == NULL)
			found = &slots[i];
	}
	return found;
}

struct dircache_entry *
dircache_put(struct dircache *cache, const char *path, size_t len, int64_t id)
{
	struct dircache_entry **slot;

	if (len > DIRCACHE_PATH_MAX)
		return NULL;
	slot = slot_for(cache, path, len);
	free(*slot);
	*slot = xmalloc(sizeof(**slot) + len);
	**slot = (struct dircache_entry){ .id = id, .len = len };
	memcpy((*slot)->path, path, len);
	cache->by_id[id_slot(id)] = (uint16_t)(slot - cache->slots);
	return *slot;
}

void
dircache_drop(struct dircache *cache, int64_t id)
{
	for (size_t i = 0; i < DIRCACHE_SLOTS; i++) {
		if (cache->slots[i] == NULL || cache->slots[i]->id != id)
			continue;
		free(cache->slots[i]);
		cache->slots[i] = NULL;
	}
}

void
dircache_clear(struct dircache *cache)
{
	for (size_t i = 0; i < DIRCACHE_SLOTS; i++) {
		free(cache->slots[i]);
		cache->slots[i] = NULL;
	}
}
