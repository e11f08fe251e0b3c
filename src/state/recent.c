/* SPDX-License-Identifier: ISC */
#include "state/recent.h"

#include <string.h>

#include "base/hash.h"

uint64_t
recent_key(int64_t parent, const void *name, size_t len)
{
	return hash_bytes((uint64_t)parent, name, len);
}

static struct recent_file *
place_of(struct recent *recent, int64_t id)
{
	return &recent->files[(uint64_t)id % RECENT_FILES];
}

static size_t
set_of(uint64_t key)
{
	return key % (RECENT_SLOTS / RECENT_WAYS) * RECENT_WAYS;
}

/* Does a slot of this set lead to a file that belongs there? */
static bool
is_taken(const struct recent *recent, size_t set, size_t slot)
{
	const struct recent_file *file = &recent->files[recent->slots[slot]];

	return file->id != 0 && set_of(file->key) == set;
}

/* A free one, or else any of the set. */
static size_t
slot_for(const struct recent *recent, uint64_t key, int64_t id)
{
	size_t set = set_of(key);

	for (size_t slot = set; slot < set + RECENT_WAYS; slot++)
		if (!is_taken(recent, set, slot) ||
		    recent->files[recent->slots[slot]].id == id)
			return slot;
	return set + (uint64_t)id % RECENT_WAYS;
}

void
recent_put(struct recent *recent, const struct recent_file *file)
{
	struct recent_file *place = place_of(recent, file->id);

	*place = *file;
	if (recent_find(recent, file->key) != place)
		recent->slots[slot_for(recent, file->key, file->id)] =
		    (uint16_t)(place - recent->files);
}

const struct recent_file *
recent_find(const struct recent *recent, uint64_t key)
{
	size_t set = set_of(key);

	for (size_t slot = set; slot < set + RECENT_WAYS; slot++) {
		const struct recent_file *file = &recent->files[recent->slots[slot]];

		if (file->id != 0 && file->key == key)
			return file;
	}
	return NULL;
}

void
recent_update(struct recent *recent, int64_t id, int64_t sig)
{
	struct recent_file *place = place_of(recent, id);

	if (place->id == id)
		place->sig = sig;
}

void
recent_drop(struct recent *recent, int64_t id)
{
	struct recent_file *place = place_of(recent, id);

	if (place->id == id)
		place->id = 0;
}

void
recent_clear(struct recent *recent)
{
	memset(recent, 0, sizeof(*recent));
}
