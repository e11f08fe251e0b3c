/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watch/doubt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

#define BITS (64 * 64)

bool
doubt_meet(struct doubt *d, uint64_t dir_hash, const char *name, size_t len,
    uint64_t object_hash)
{
	const struct handle as_handle = { .bytes = name, .len = (uint8_t)len };
	uint64_t hash = handle_hash(&as_handle) ^ dir_hash * 3 ^ object_hash * 5;
	uint64_t bit = UINT64_C(1) << (hash % 64), *word = &d->met[hash / 64 % 64];
	bool met = *word & bit;

	*word |= bit;
	d->any = true;
	return met;
}

static void
drop(struct doubt *d, unsigned i)
{
	d->n--;
	memmove(&d->names[i], &d->names[i + 1], (d->n - i) * sizeof(d->names[0]));
}

void
doubt_forget(struct doubt *d, uint32_t dir)
{
	for (unsigned i = d->n; i-- > 0;)
		if (d->names[i].at.dir == dir)
			drop(d, i);
}

/* The handle of what is at w->second; false where nothing is. */
static bool
look_up(const struct fm_watch *w, union handle_room *room, struct handle *found)
{
	int mount;

	*room = (union handle_room){ .head = { .handle_bytes = MAX_HANDLE_SZ } };
	if (name_to_handle_at(AT_FDCWD, w->second.abs, &room->head, &mount, 0) == -1)
		return false;
	*found = (struct handle){ .type = (uint8_t)room->head.handle_type,
		.len = (uint8_t)room->head.handle_bytes,
		.bytes = room->head.f_handle };
	return true;
}

/* A name tells nothing by itself: two exchanged are both still there. */
static uint64_t
object_hash(const struct handle *object)
{
	struct handle anywhere = *object;

	anywhere.fs = 0;
	return handle_hash(&anywhere);
}

/* Another one says only that it is there now: what left may have been exchanged. */
void
doubt_explained(
    struct doubt *d, const struct place *at, const struct handle *object, bool comes)
{
	for (unsigned i = d->n; i-- > 0;)
		if (place_is_same(&d->names[i].at, at) &&
		    ((comes && d->names[i].there) ||
			d->names[i].object == object_hash(object)))
			drop(d, i);
}

static bool
is_object(struct fm_watch *w, const struct place *at, uint64_t object)
{
	union handle_room room;
	struct handle found;

	return path_set(w, &w->second, at->dir, at->name, at->len) == 0 &&
	    look_up(w, &room, &found) && object_hash(&found) == object;
}

/* Is the directory where the table has it?  If not, a rename of it, or of one
   above it, is still in the queue, and what is at the path says nothing. */
static bool
is_in_place(struct fm_watch *w, uint32_t dir)
{
	union handle_room room;
	struct handle found;

	if (w->dirs.dirs[dir].wd == -1 || path_set(w, &w->second, dir, NULL, 0) == -1 ||
	    !look_up(w, &room, &found))
		return false;
	for (unsigned i = 0; i < w->fan->n_fs; i++) {
		found.fs = (uint8_t)i;
		if (handles_find(&w->fan->handles, &found) == w->dirs.dirs[dir].wd)
			return true;
	}
	return false;
}

static void
list(struct fm_watch *w, const struct place *at)
{
	if (path_set(w, &w->second, at->dir, NULL, 0) == -1)
		return;
	tell_dirty(w, &w->second, FM_CAUSE_REPLACED);
	tree_queue(w, at->dir, FM_SCAN_REPAIR, false);
}

static bool
is_right(struct fm_watch *w, const struct doubt_name *name)
{
	return is_object(w, &name->at, name->object) == name->there &&
	    is_in_place(w, name->at.dir);
}

void
doubt_look(
    struct fm_watch *w, const struct place *at, const struct handle *object, bool there)
{
	struct doubt *d = &w->fan->doubt;
	const struct doubt_name name = { *at, object_hash(object), there };

	if (object->len == 0 || is_right(w, &name))
		return;
	if (d->n < DOUBT_NAMES)
		d->names[d->n++] = name;
	else
		list(w, at);
}

void
doubt_settle(struct fm_watch *w)
{
	struct doubt *d = &w->fan->doubt;
	struct doubt_name name;

	while (d->n > 0) {
		name = d->names[--d->n];
		if (!is_right(w, &name))
			list(w, &name.at);
	}
	if (d->any)
		memset(d->met, 0, sizeof(d->met));
	d->any = false;
}
