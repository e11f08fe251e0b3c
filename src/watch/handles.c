/* SPDX-License-Identifier: ISC */
#include "watch/handles.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define SLOTS_MIN 64

/* An entry: fs, type, len, then the bytes; a free one: the next free one. */
enum { FS, TYPE, LEN, BYTES };

static unsigned char *
entry_at(const struct handles *t, uint32_t i)
{
	return t->at + i * t->stride;
}

static struct handle
handle_at(const struct handles *t, uint32_t i)
{
	const unsigned char *e = entry_at(t, i);

	return (struct handle){ e[FS], e[TYPE], e[LEN], e + BYTES };
}

/* FNV-1a, 64 bits: the kernel makes handles, nobody chooses them. */
uint64_t
handle_hash(const struct handle *h)
{
	const unsigned char *bytes = h->bytes;
	uint64_t hash =
	    UINT64_C(0xcbf29ce484222325) ^ (uint32_t)h->type ^ (uint64_t)h->fs << 32;

	for (size_t i = 0; i < h->len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static bool
is_same(const unsigned char *e, const struct handle *h)
{
	return e[TYPE] == h->type && e[FS] == h->fs && e[LEN] == h->len &&
	    memcmp(e + BYTES, h->bytes, h->len) == 0;
}

/* Where the handle is, or the free slot where it belongs. */
static uint32_t
slot_of(const struct handles *t, const struct handle *h)
{
	uint32_t mask = t->n_slots - 1, i = (uint32_t)handle_hash(h) & mask;

	while (t->slots[i] != NONE && !is_same(entry_at(t, t->slots[i]), h))
		i = (i + 1) & mask;
	return i;
}

static uint32_t
home_of(const struct handles *t, uint32_t i, uint32_t mask)
{
	struct handle h = handle_at(t, i);

	return (uint32_t)handle_hash(&h) & mask;
}

static int
grow_slots(struct handles *t)
{
	uint32_t size = t->n_slots == 0 ? SLOTS_MIN : t->n_slots * 2;
	uint32_t *slots = malloc(size * sizeof(*slots));

	if (slots == NULL)
		return -1;
	memset(slots, 0xff, size * sizeof(*slots));
	for (uint32_t old = 0; old < t->n_slots; old++) {
		uint32_t i;
		if (t->slots[old] == NONE)
			continue;
		i = home_of(t, t->slots[old], size - 1);
		while (slots[i] != NONE)
			i = (i + 1) & (size - 1);
		slots[i] = t->slots[old];
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = size;
	return 0;
}

/* Room for one more, of at least stride bytes. */
static int
grow_entries(struct handles *t, size_t stride)
{
	uint32_t cap =
	    t->free == NONE && t->made == t->cap ? t->cap + t->cap / 8 + 64 : t->cap;
	unsigned char *at;

	if (stride < t->stride)
		stride = t->stride;
	if (cap == t->cap && stride == t->stride)
		return 0;
	if (cap > INT32_MAX || (at = calloc(cap, stride)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t i = 0; i < t->made; i++)
		memcpy(at + i * stride, t->at + i * t->stride, t->stride);
	free(t->at);
	t->at = at;
	t->cap = cap;
	t->stride = stride;
	return 0;
}

static size_t
stride_for(size_t len)
{
	size_t stride = (BYTES + len + 3) & ~(size_t)3;

	return stride < sizeof(uint32_t) ? sizeof(uint32_t) : stride;
}

static uint32_t
take_number(struct handles *t)
{
	uint32_t i = t->free;

	if (i == NONE)
		return t->made++;
	memcpy(&t->free, entry_at(t, i), sizeof(t->free));
	return i;
}

int
handles_put(struct handles *t, const struct handle *h)
{
	unsigned char *e;
	uint32_t slot, i;

	if (t->at == NULL)
		t->free = NONE;
	if (t->live + 1 > t->n_slots / 4 * 3 && grow_slots(t) == -1)
		return -1;
	slot = slot_of(t, h);
	if (t->slots[slot] != NONE)
		return (int)t->slots[slot];
	if (grow_entries(t, stride_for(h->len)) == -1)
		return -1;
	i = take_number(t);
	e = entry_at(t, i);
	e[FS] = h->fs;
	e[TYPE] = h->type;
	e[LEN] = h->len;
	memcpy(e + BYTES, h->bytes, h->len);
	t->slots[slot] = i;
	t->live++;
	return (int)i;
}

int
handles_find(const struct handles *t, const struct handle *h)
{
	uint32_t slot;

	if (t->live == 0)
		return -1;
	slot = slot_of(t, h);
	return t->slots[slot] == NONE ? -1 : (int)t->slots[slot];
}

/* Closes the gap, so that there are no marks of what was dropped. */
static void
free_slot(struct handles *t, uint32_t i)
{
	uint32_t mask = t->n_slots - 1, next = (i + 1) & mask;

	for (; t->slots[next] != NONE; next = (next + 1) & mask) {
		uint32_t home = home_of(t, t->slots[next], mask);
		if (((next - home) & mask) >= ((next - i) & mask)) {
			t->slots[i] = t->slots[next];
			i = next;
		}
	}
	t->slots[i] = NONE;
}

void
handles_drop(struct handles *t, int number)
{
	uint32_t i = (uint32_t)number, mask = t->n_slots - 1, slot;

	slot = home_of(t, i, mask);
	while (t->slots[slot] != i)
		slot = (slot + 1) & mask;
	free_slot(t, slot);
	memcpy(entry_at(t, i), &t->free, sizeof(t->free));
	t->free = i;
	t->live--;
}

void
handles_release(struct handles *t)
{
	free(t->at);
	free(t->slots);
	*t = (struct handles){ .free = NONE };
}

size_t
handles_memory(const struct handles *t)
{
	return t->cap * t->stride + t->n_slots * sizeof(*t->slots);
}
