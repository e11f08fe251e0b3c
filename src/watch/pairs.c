/* SPDX-License-Identifier: ISC */
#include "watch/pairs.h"

#include <string.h>

static void
drop(struct pairs *p, unsigned i)
{
	p->n--;
	memmove(&p->at[i], &p->at[i + 1], (p->n - i) * sizeof(p->at[i]));
}

void
pairs_add(struct pairs *p, const struct pair *pair)
{
	pairs_touched(p, &pair->from);
	pairs_touched(p, &pair->to);
	if (p->n == PAIRS_MAX)
		drop(p, 0);
	p->at[p->n++] = *pair;
}

const struct pair *
pairs_find(const struct pairs *p, const struct place *from, const struct place *to)
{
	for (unsigned i = 0; i < p->n; i++)
		if (place_is_same(&p->at[i].from, from) &&
		    place_is_same(&p->at[i].to, to))
			return &p->at[i];
	return NULL;
}

void
pairs_touched(struct pairs *p, const struct place *place)
{
	for (unsigned i = p->n; i-- > 0;)
		if (place_is_same(&p->at[i].from, place) ||
		    place_is_same(&p->at[i].to, place))
			drop(p, i);
}

void
pairs_renumber(struct pairs *p, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->at[i].from.dir == from)
			p->at[i].from.dir = to;
		if (p->at[i].to.dir == from)
			p->at[i].to.dir = to;
	}
}

void
pairs_forget(struct pairs *p, uint32_t dir)
{
	for (unsigned i = p->n; i-- > 0;)
		if (p->at[i].from.dir == dir || p->at[i].to.dir == dir)
			drop(p, i);
}
