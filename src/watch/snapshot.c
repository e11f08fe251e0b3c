/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "watch/snapshot.h"

/* Another number for another form. */
#define MAGIC UINT64_C(0x31306e73776d6c66)

struct head {
	uint64_t magic, sum; /* of all that follows sum */
	uint64_t dev, ino;
	uint32_t mask, dirs;
};

/* Before its name. */
struct entry {
	uint32_t parent; /* its place; DIRTAB_NONE for the root, which is the first */
	int32_t wd;
	uint32_t name_len;
};

/* What is left to be read. */
struct cursor {
	const unsigned char *p, *end;
};

/* FNV-1a, by words: it is to notice damage, not to keep out who knows it. */
static uint64_t
sum_of(const unsigned char *p, size_t len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ len, word;

	for (; len > 0; p += sizeof(word)) {
		size_t n = len < sizeof(word) ? len : sizeof(word);
		word = 0;
		memcpy(&word, p, n);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
		len -= n;
	}
	return sum;
}

static uint64_t
sum_data(const void *data, size_t len)
{
	size_t skip = offsetof(struct head, dev);

	return sum_of((const unsigned char *)data + skip, len - skip);
}

void
snapshot_seal(void *data, size_t len)
{
	uint64_t sum;

	if (len < sizeof(struct head))
		return;
	sum = sum_data(data, len);
	memcpy((unsigned char *)data + offsetof(struct head, sum), &sum, sizeof(sum));
}

static bool
can_be_told(const struct dirtab *t)
{
	const unsigned beyond =
	    DIR_DETACHED | DIR_FAILED | DIR_RETRY | DIR_POLLED | DIR_QUEUED;

	for (uint32_t i = 0; i < t->made; i++)
		if (!(t->dirs[i].flags & DIR_DEAD) &&
		    (t->dirs[i].wd < 0 || (t->dirs[i].flags & beyond)))
			return false;
	return t->queued == 0;
}

static size_t
size_of(const struct dirtab *t)
{
	size_t size = sizeof(struct head);

	for (uint32_t i = 0; i < t->made; i++)
		if (!(t->dirs[i].flags & DIR_DEAD))
			size += sizeof(struct entry) + t->dirs[i].name_len;
	return size;
}

static unsigned char *
put(unsigned char *out, const void *data, size_t len)
{
	memcpy(out, data, len);
	return out + len;
}

/* place has each written directory's place. */
static unsigned char *
put_dir(const struct dirtab *t, uint32_t dir, const uint32_t *place, unsigned char *out)
{
	const struct dir *d = &t->dirs[dir];
	struct entry entry = { DIRTAB_NONE, d->wd, d->name_len };

	if (dir != DIRTAB_ROOT)
		entry.parent = place[d->parent];
	out = put(out, &entry, sizeof(entry));
	return put(out, t->names + d->name, d->name_len);
}

static uint32_t
next_of(const struct dirtab *t, uint32_t dir)
{
	if (t->dirs[dir].child != DIRTAB_NONE)
		return t->dirs[dir].child;
	while (dir != DIRTAB_ROOT && t->dirs[dir].next == DIRTAB_NONE)
		dir = t->dirs[dir].parent;
	return dir == DIRTAB_ROOT ? DIRTAB_NONE : t->dirs[dir].next;
}

static uint32_t
put_all(const struct dirtab *t, uint32_t *place, unsigned char *out)
{
	uint32_t n = 0;

	for (uint32_t dir = DIRTAB_ROOT; dir != DIRTAB_NONE; dir = next_of(t, dir)) {
		place[dir] = n++;
		out = put_dir(t, dir, place, out);
	}
	return n;
}

int
snapshot_write(
    const struct dirtab *t, const struct snapshot_root *root, void **data, size_t *len)
{
	struct head head = { MAGIC, 0, root->dev, root->ino, root->mask, 0 };
	size_t size = size_of(t);
	unsigned char *out;
	uint32_t *place;

	if (!can_be_told(t)) {
		errno = ENOTSUP;
		return -1;
	}
	out = malloc(size);
	place = calloc(t->made, sizeof(*place));
	if (out == NULL || place == NULL) {
		free(out);
		free(place);
		errno = ENOMEM;
		return -1;
	}
	head.dirs = put_all(t, place, out + sizeof(head));
	memcpy(out, &head, sizeof(head));
	snapshot_seal(out, size);
	free(place);
	*data = out;
	*len = size;
	return 0;
}

static int
refuse(int error)
{
	errno = error;
	return -1;
}

static bool
take(struct cursor *at, void *out, size_t len)
{
	if ((size_t)(at->end - at->p) < len)
		return false;
	memcpy(out, at->p, len);
	at->p += len;
	return true;
}

static bool
is_name(const char *name, size_t len)
{
	if (len == 0 || len > UINT8_MAX || memchr(name, '/', len) != NULL ||
	    memchr(name, '\0', len) != NULL)
		return false;
	return name[0] != '.' || (len > 1 && (len > 2 || name[1] != '.'));
}

static int
take_dir(struct dirtab *t, uint32_t place, struct cursor *at)
{
	struct entry entry;
	const char *name;

	if (!take(at, &entry, sizeof(entry)) ||
	    (size_t)(at->end - at->p) < entry.name_len || entry.wd <= 0 ||
	    dirtab_by_wd(t, entry.wd) != DIRTAB_NONE)
		return refuse(EBADMSG);
	name = (const char *)at->p;
	at->p += entry.name_len;
	if (place == DIRTAB_ROOT) {
		if (entry.parent != DIRTAB_NONE || entry.name_len != 0)
			return refuse(EBADMSG);
		return dirtab_set_wd(t, DIRTAB_ROOT, entry.wd);
	}
	if (entry.parent >= place || !is_name(name, entry.name_len) ||
	    dirtab_find(t, entry.parent, name, entry.name_len) != DIRTAB_NONE)
		return refuse(EBADMSG);
	if (dirtab_add(t, entry.parent, name, entry.name_len) != place)
		return refuse(ENOMEM);
	return dirtab_set_wd(t, place, entry.wd) == 0 ? 0 : refuse(ENOMEM);
}

int
snapshot_read(
    struct dirtab *t, const struct snapshot_root *root, const void *data, size_t len)
{
	struct cursor at = { data, (const unsigned char *)data + len };
	struct head head;

	if (!take(&at, &head, sizeof(head)) || head.magic != MAGIC ||
	    head.sum != sum_data(data, len) || head.dirs == 0)
		return refuse(EBADMSG);
	if (head.dev != root->dev || head.ino != root->ino || head.mask != root->mask)
		return refuse(ESTALE);
	for (uint32_t i = 0; i < head.dirs; i++)
		if (take_dir(t, i, &at) == -1)
			return -1;
	return at.p == at.end ? 0 : refuse(EBADMSG);
}
