/* SPDX-License-Identifier: ISC */
#include "watch/place.h"

#include <string.h>

#include "watch/watch_priv.h"

struct place
place_of(uint32_t dir, const char *name, size_t len)
{
	struct place place = { .dir = dir, .len = (uint8_t)len };

	memcpy(place.name, name, len);
	return place;
}

bool
place_is_same(const struct place *a, const struct place *b)
{
	return a->dir != DIRTAB_NONE && a->dir == b->dir && a->len == b->len &&
	    memcmp(a->name, b->name, a->len) == 0;
}

uint32_t
place_node(const struct fm_watch *w, const struct place *place)
{
	return dirtab_find(&w->dirs, place->dir, place->name, place->len);
}

void
place_forget(struct place *place, uint32_t dir)
{
	if (place->dir == dir)
		place->dir = DIRTAB_NONE;
}
