/* SPDX-License-Identifier: ISC */
#include "watcher/bufferful.h"

#include "base/compiler.h"
#include "base/hash.h"

/* Where hash is, or has its place. */
static size_t
slot_of(const struct bufferful *b, uint64_t hash)
{
	size_t slot = hash & (BUFFERFUL_SLOTS - 1);

	while (b->slots[slot] != 0 && b->slots[slot] != hash)
		slot = (slot + 1) & (BUFFERFUL_SLOTS - 1);
	return slot;
}

static bool
has(const struct bufferful *b, uint64_t hash)
{
	hash += hash == 0;
	return b->slots[slot_of(b, hash)] == hash;
}

/* false where it was not in it, and is now if there is room. */
static bool
had(struct bufferful *b, uint64_t hash)
{
	size_t slot;

	hash += hash == 0;
	slot = slot_of(b, hash);
	if (b->slots[slot] == hash)
		return true;
	if (b->n == COUNTOF(b->taken))
		return false;
	b->slots[slot] = hash;
	b->taken[b->n++] = (uint16_t)slot;
	return false;
}

void
bufferful_forget(struct bufferful *b)
{
	while (b->n > 0)
		b->slots[b->taken[--b->n]] = 0;
}

/* A write says more than the other hints do, and a removal is the answer to a
   creation that found nothing. */
enum look { LOOK, LOOK_WRITTEN, LOOK_MODIFIED, LOOK_DELETED };

static enum look
look_of(const struct fm_event *event)
{
	if (event->kind == FM_WRITTEN)
		return event->modified ? LOOK_MODIFIED : LOOK_WRITTEN;
	return event->kind == FM_DELETED ? LOOK_DELETED : LOOK;
}

/*
 * Made again, it may be removed again, and that is what tells of a creation that
 * found nothing.  Whoever does not look has to be told of each.
 */
static bool
turns_round(
    const struct bufferful *b, const struct fm_event *event, uint64_t path, bool looks)
{
	if (event->kind == FM_CREATED)
		return has(b, hash_word(path, LOOK_DELETED));
	return !looks && event->kind == FM_DELETED && has(b, hash_word(path, LOOK));
}

bool
bufferful_repeats(
    struct bufferful *b, uint32_t root, const struct fm_event *event, bool looks)
{
	enum look look = look_of(event);
	uint64_t path = hash_bytes(root, event->path, event->path_len);

	if (turns_round(b, event, path, looks))
		bufferful_forget(b);
	if (had(b, hash_word(path, look)))
		return true;
	/* Created and then written within one bufferful is one creation. */
	if (event->kind == FM_CREATED)
		had(b, hash_word(path, LOOK_MODIFIED));
	if (event->kind == FM_CREATED || look == LOOK_MODIFIED)
		had(b, hash_word(path, LOOK_WRITTEN));
	return false;
}
