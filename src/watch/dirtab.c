/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "watch/dirtab.h"
#include "watch/slots.h"

#define WASTE_MIN 4096

static int
names_compact(struct dirtab *t, size_t more)
{
	size_t cap = t->names_len - t->names_waste + more, len = 0;
	char *names = malloc(cap += cap / 8 + 64);

	if (names == NULL)
		return -1;
	for (uint32_t i = 0; i < t->made; i++) {
		struct dir *d = &t->dirs[i];
		if (d->flags & DIR_DEAD)
			continue;
		memcpy(names + len, t->names + d->name, d->name_len);
		d->name = (uint32_t)len;
		len += d->name_len;
	}
	free(t->names);
	t->names = names;
	t->names_len = len;
	t->names_cap = cap;
	t->names_waste = 0;
	return 0;
}

static int
names_reserve(struct dirtab *t, size_t more)
{
	size_t cap = t->names_len + more;
	char *names;

	if (t->names_waste > WASTE_MIN && t->names_waste > t->names_len / 2)
		return names_compact(t, more);
	if (cap <= t->names_cap)
		return 0;
	cap += cap / 8 + 64;
	if (cap > UINT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if ((names = realloc(t->names, cap)) == NULL)
		return -1;
	t->names = names;
	t->names_cap = cap;
	return 0;
}

static void
set_name(struct dirtab *t, struct dir *d, const char *name, size_t len)
{
	d->name = (uint32_t)t->names_len;
	d->name_len = (uint8_t)len;
	memcpy(t->names + t->names_len, name, len);
	t->names_len += len;
}

static void
link_child(struct dirtab *t, uint32_t dir, uint32_t parent)
{
	struct dir *d = &t->dirs[dir], *p = &t->dirs[parent];

	d->parent = parent;
	d->prev = DIRTAB_NONE;
	d->next = p->child;
	if (d->next != DIRTAB_NONE)
		t->dirs[d->next].prev = dir;
	p->child = dir;
}

static void
unlink_child(struct dirtab *t, uint32_t dir)
{
	struct dir *d = &t->dirs[dir];

	if (d->prev != DIRTAB_NONE)
		t->dirs[d->prev].next = d->next;
	else
		t->dirs[d->parent].child = d->next;
	if (d->next != DIRTAB_NONE)
		t->dirs[d->next].prev = d->prev;
	d->parent = d->next = d->prev = DIRTAB_NONE;
}

static int
dirs_reserve(struct dirtab *t)
{
	uint32_t cap = t->cap + t->cap / 8 + 64;
	struct dir *dirs;

	if (t->free != DIRTAB_NONE || t->made < t->cap)
		return 0;
	if (cap < t->cap || cap > INT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if ((dirs = realloc(t->dirs, cap * sizeof(*dirs))) == NULL)
		return -1;
	t->dirs = dirs;
	t->cap = cap;
	return 0;
}

/* A number for one more directory, after dirs_reserve. */
static uint32_t
take_number(struct dirtab *t)
{
	uint32_t dir = t->free;

	if (dir == DIRTAB_NONE)
		dir = t->made++;
	else
		t->free = t->dirs[dir].parent;
	t->dirs[dir] = (struct dir){ .parent = DIRTAB_NONE,
		.child = DIRTAB_NONE,
		.next = DIRTAB_NONE,
		.prev = DIRTAB_NONE,
		.queue = DIRTAB_NONE,
		.wd = -1 };
	t->live++;
	return dir;
}

static void
give_number(struct dirtab *t, uint32_t dir)
{
	t->dirs[dir].flags = DIR_DEAD;
	t->dirs[dir].parent = t->free;
	t->free = dir;
}

/* The kernel's random bytes for this process: no system call, and whoever
   makes directories cannot know which names collide. */
static uint64_t
make_seed(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	uint64_t seed = 0;

	if (random != NULL)
		memcpy(&seed, random, sizeof(seed));
	return seed;
}

int
dirtab_init(struct dirtab *t)
{
	*t = (struct dirtab){ .free = DIRTAB_NONE,
		.head = DIRTAB_NONE,
		.tail = DIRTAB_NONE,
		.version = 1 };
	t->seed = make_seed();
	if (dirs_reserve(t) == -1 || names_reserve(t, 1) == -1 ||
	    slots_reserve(t, &t->by_wd, 1) == -1 ||
	    slots_reserve(t, &t->by_name, 1) == -1) {
		dirtab_release(t);
		errno = ENOMEM;
		return -1;
	}
	take_number(t);
	return 0;
}

void
dirtab_release(struct dirtab *t)
{
	free(t->dirs);
	free(t->names);
	free(t->by_wd.at);
	free(t->by_name.at);
	*t = (struct dirtab){ 0 };
}

uint32_t
dirtab_add(struct dirtab *t, uint32_t parent, const char *name, size_t len)
{
	uint32_t dir;

	/* slots for detached directories too: a move never has to allocate them */
	if (dirs_reserve(t) == -1 || names_reserve(t, len) == -1 ||
	    slots_reserve(t, &t->by_name, t->live + 1) == -1)
		return DIRTAB_NONE;
	dir = take_number(t);
	set_name(t, &t->dirs[dir], name, len);
	link_child(t, dir, parent);
	slots_put(t, &t->by_name, dir);
	return dir;
}

void
dirtab_remove(struct dirtab *t, uint32_t dir)
{
	struct dir *d = &t->dirs[dir];

	dirtab_set_wd(t, dir, -1);
	if (!(d->flags & DIR_DETACHED)) {
		slots_del(t, &t->by_name, dir);
		unlink_child(t, dir);
	}
	t->names_waste += d->name_len;
	t->live--;
	t->version++;
	if (d->flags & DIR_QUEUED) {
		d->flags = DIR_QUEUED | DIR_DEAD;
		t->queued--;
	} else {
		give_number(t, dir);
	}
}

static bool
is_below(const struct dirtab *t, uint32_t dir, uint32_t above)
{
	while (dir != DIRTAB_NONE && dir != above)
		dir = t->dirs[dir].parent;
	return dir == above;
}

int
dirtab_move(struct dirtab *t, uint32_t dir, uint32_t parent, const char *name, size_t len)
{
	struct dir *d = &t->dirs[dir];

	if (is_below(t, parent, dir)) {
		errno = ELOOP;
		return -1;
	}
	if (names_reserve(t, len) == -1)
		return -1;
	dirtab_detach(t, dir);
	t->names_waste += d->name_len;
	set_name(t, d, name, len);
	link_child(t, dir, parent);
	slots_put(t, &t->by_name, dir);
	d->flags &= (uint16_t)~DIR_DETACHED;
	t->version++;
	return 0;
}

void
dirtab_detach(struct dirtab *t, uint32_t dir)
{
	struct dir *d = &t->dirs[dir];

	if (d->flags & DIR_DETACHED)
		return;
	slots_del(t, &t->by_name, dir);
	unlink_child(t, dir);
	d->flags |= DIR_DETACHED;
	d->flags &= (uint16_t)~DIR_UNSEEN;
	t->version++;
}

int
dirtab_set_wd(struct dirtab *t, uint32_t dir, int wd)
{
	struct dir *d = &t->dirs[dir];

	if (d->wd == wd)
		return 0;
	if (wd >= 0 && slots_reserve(t, &t->by_wd, t->by_wd.used + 1) == -1)
		return -1;
	if (d->wd >= 0)
		slots_del(t, &t->by_wd, dir);
	d->wd = wd;
	if (wd >= 0)
		slots_put(t, &t->by_wd, dir);
	return 0;
}

uint32_t
dirtab_by_wd(const struct dirtab *t, int wd)
{
	return wd < 0 ? DIRTAB_NONE : slots_find_wd(t, wd);
}

uint32_t
dirtab_find(const struct dirtab *t, uint32_t parent, const char *name, size_t len)
{
	return slots_find_name(t, parent, name, len);
}

uint32_t
dirtab_lookup(const struct dirtab *t, const char *path, size_t len)
{
	uint32_t dir = DIRTAB_ROOT;

	while (len > 0 && dir != DIRTAB_NONE) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash == NULL ? len : (size_t)(slash - path);
		size_t skip = slash == NULL ? n : n + 1;
		if (n > 0)
			dir = dirtab_find(t, dir, path, n);
		path += skip;
		len -= skip;
	}
	return dir;
}

uint32_t
dirtab_top(const struct dirtab *t, uint32_t dir)
{
	while (t->dirs[dir].parent != DIRTAB_NONE)
		dir = t->dirs[dir].parent;
	return dir;
}

size_t
dirtab_path_len(const struct dirtab *t, uint32_t dir)
{
	size_t len = 0;

	for (; t->dirs[dir].parent != DIRTAB_NONE; dir = t->dirs[dir].parent)
		len += t->dirs[dir].name_len + (size_t)1;
	return len > 0 ? len - 1 : 0;
}

void
dirtab_path(const struct dirtab *t, uint32_t dir, char *out)
{
	char *p = out + dirtab_path_len(t, dir);

	for (; t->dirs[dir].parent != DIRTAB_NONE; dir = t->dirs[dir].parent) {
		const struct dir *d = &t->dirs[dir];
		p -= d->name_len;
		memcpy(p, t->names + d->name, d->name_len);
		if (p > out)
			*--p = '/';
	}
}

void
dirtab_queue_after(struct dirtab *t, uint32_t dir, uint32_t after)
{
	struct dir *d = &t->dirs[dir];
	uint32_t *link = after == DIRTAB_NONE ? &t->head : &t->dirs[after].queue;

	if (d->flags & DIR_QUEUED)
		return;
	d->flags |= DIR_QUEUED;
	d->queue = *link;
	*link = dir;
	if (t->tail == after)
		t->tail = dir;
	t->queued++;
}

void
dirtab_queue(struct dirtab *t, uint32_t dir, bool front)
{
	dirtab_queue_after(t, dir, front ? DIRTAB_NONE : t->tail);
}

uint32_t
dirtab_take(struct dirtab *t)
{
	uint32_t dir;

	while ((dir = t->head) != DIRTAB_NONE) {
		struct dir *d = &t->dirs[dir];
		t->head = d->queue;
		if (t->head == DIRTAB_NONE)
			t->tail = DIRTAB_NONE;
		if (!(d->flags & DIR_DEAD)) {
			d->flags &= (uint16_t)~DIR_QUEUED;
			t->queued--;
			return dir;
		}
		give_number(t, dir);
	}
	return DIRTAB_NONE;
}

size_t
dirtab_memory(const struct dirtab *t)
{
	return t->cap * sizeof(*t->dirs) + t->names_cap +
	    (t->by_wd.size + t->by_name.size) * sizeof(uint32_t);
}
