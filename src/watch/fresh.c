/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "watch/fresh.h"

#define SIZE_MIN 256
#define SIZE_MAX_SLOTS 65536

struct fresh_name {
	uint64_t key; /* 0: free */
	uint64_t until;
};

/* FNV-1a, 64 bits: collisions only make a "repeated" wrong. */
uint64_t
fresh_key(int wd, const char *name, size_t len)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325) ^ (uint32_t)wd;

	for (size_t i = 0; i < len; i++)
		key = (key ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
	return key ? key : 1;
}

/* Where the key is, or the free slot where it belongs. */
static uint32_t
slot_of(const struct fresh *f, uint64_t key)
{
	uint32_t mask = f->size - 1, i = (uint32_t)(key ^ key >> 32) & mask;

	while (f->at[i].key != 0 && f->at[i].key != key)
		i = (i + 1) & mask;
	return i;
}

static bool
grow(struct fresh *f)
{
	struct fresh old = *f;

	if (old.size == SIZE_MAX_SLOTS)
		return false;
	f->size = old.size ? old.size * 2 : SIZE_MIN;
	if ((f->at = calloc(f->size, sizeof(*f->at))) == NULL) {
		*f = old;
		return false;
	}
	for (uint32_t i = 0; i < old.size; i++)
		if (old.at[i].key != 0)
			f->at[slot_of(f, old.at[i].key)] = old.at[i];
	free(old.at);
	return true;
}

void
fresh_release(struct fresh *f)
{
	free(f->at);
	*f = (struct fresh){ 0 };
}

void
fresh_add(struct fresh *f, int wd, const char *name, size_t len, uint64_t until)
{
	uint64_t key = fresh_key(wd, name, len);
	uint32_t i;

	if (f->used >= f->size / 4 * 3 && !grow(f))
		return;
	i = slot_of(f, key);
	if (f->at[i].key == 0)
		f->used++;
	f->at[i] = (struct fresh_name){ key, until };
	f->until = until;
}

static void
take_out(struct fresh *f, uint32_t i)
{
	uint32_t mask = f->size - 1, next;

	for (next = (i + 1) & mask; f->at[next].key != 0; next = (next + 1) & mask) {
		uint32_t home =
		    (uint32_t)(f->at[next].key ^ f->at[next].key >> 32) & mask;
		if (((next - home) & mask) >= ((next - i) & mask)) {
			f->at[i] = f->at[next];
			i = next;
		}
	}
	f->at[i].key = 0;
	f->used--;
}

bool
fresh_take(struct fresh *f, int wd, const char *name, size_t len, uint64_t read_bytes)
{
	uint32_t i;
	bool valid;

	if (f->used == 0)
		return false;
	i = slot_of(f, fresh_key(wd, name, len));
	if (f->at[i].key == 0)
		return false;
	valid = read_bytes <= f->at[i].until;
	take_out(f, i);
	return valid;
}

void
fresh_expire(struct fresh *f, uint64_t read_bytes)
{
	if (f->at != NULL && read_bytes >= f->until)
		fresh_release(f);
}

size_t
fresh_memory(const struct fresh *f)
{
	return f->size * sizeof(*f->at);
}
