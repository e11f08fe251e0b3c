/* SPDX-License-Identifier: ISC */
#include "git/gitstage.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "git/gitread.h"

#define INDEX_MAX (16 * 1024 * 1024)
#define MARK_EVERY 256 /* entries */
#define MARKS_MAX 2048
#define NAMES_MAX (256 * 1024)
#define WINDOW 16384
#define EXTENSIONS_MAX 64

/* Where an entry begins, and the name before it. */
struct mark {
	off_t at;
	uint32_t left;
	uint32_t name, name_len;
};

struct gitstage {
	int fd; /* -1: not open; never longer than a turn */
	bool looked;
	bool usable;
	struct stat st; /* of what marks and usable are about */
	size_t oid_len;
	unsigned version;
	struct mark *marks;
	size_t n_marks;
	struct buf names;
};

struct walk {
	struct gitindex index;
	int fd;
	off_t at; /* of the next entry */
	size_t from, to;
	unsigned char bytes[WINDOW];
};

struct gitstage *
gitstage_new(void)
{
	struct gitstage *stage = xcalloc(1, sizeof(*stage));

	stage->fd = -1;
	return stage;
}

void
gitstage_free(struct gitstage *stage)
{
	if (stage == NULL)
		return;
	fd_close(&stage->fd);
	buf_release(&stage->names);
	free(stage->marks);
	free(stage);
}

void
gitstage_forget(struct gitstage *stage)
{
	fd_close(&stage->fd);
	stage->looked = false;
}

static bool
fill(struct walk *walk)
{
	size_t have = walk->to - walk->from;
	ssize_t n;

	memmove(walk->bytes, walk->bytes + walk->from, have);
	walk->from = 0;
	walk->to = have;
	n = pread(walk->fd, walk->bytes + have, sizeof(walk->bytes) - have,
	    walk->at + (off_t)have);
	if (n <= 0)
		return false;
	walk->to += (size_t)n;
	return true;
}

/* 1; 0: there is none left; -1: it cannot be read, or is none. */
static int
walk_next(struct walk *walk, struct gitindex_entry *entry)
{
	ssize_t n = 0;

	if (walk->index.left == 0)
		return 0;
	while ((n = gitindex_next(&walk->index, walk->bytes + walk->from,
		    walk->to - walk->from, entry)) == 0)
		if (!fill(walk))
			return -1;
	if (n < 0)
		return -1;
	walk->from += (size_t)n;
	walk->at += n;
	return 1;
}

static bool
add_mark(struct gitstage *stage, const struct walk *walk)
{
	const struct gitindex *index = &walk->index;

	if (stage->n_marks == MARKS_MAX || stage->names.len + index->name_len > NAMES_MAX)
		return false;
	stage->marks =
	    xreallocarray(stage->marks, stage->n_marks + 1, sizeof(stage->marks[0]));
	stage->marks[stage->n_marks++] = (struct mark){ .at = walk->at,
		.left = index->left,
		.name = (uint32_t)stage->names.len,
		.name_len = (uint32_t)index->name_len };
	buf_add(&stage->names, index->name, index->name_len);
	return true;
}

/* Up to the checksum at the end of the file. */
static bool
extensions_may_be_left_out(const struct gitstage *stage, off_t at)
{
	off_t end = stage->st.st_size - (off_t)stage->oid_len;
	unsigned char head[8];

	for (int i = 0; i < EXTENSIONS_MAX && at < end; i++) {
		if (pread(stage->fd, head, sizeof(head), at) != sizeof(head) ||
		    !gitindex_optional(head))
			return false;
		at += (off_t)sizeof(head) +
		    ((off_t)head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7]);
	}
	return at == end;
}

/* All entries: marks, and whether it is an index that can be searched. */
static bool
mark_all(struct gitstage *stage, struct walk *walk)
{
	struct gitindex_entry entry;
	uint32_t n = 0;
	int ret;

	do {
		if (n++ % MARK_EVERY == 0 && !add_mark(stage, walk))
			return false;
	} while ((ret = walk_next(walk, &entry)) == 1);
	return ret == 0 && extensions_may_be_left_out(stage, walk->at);
}

static void
read_marks(struct gitstage *stage, size_t oid_len)
{
	unsigned char head[GITINDEX_HEADER];
	struct walk walk;

	stage->n_marks = 0;
	buf_reset(&stage->names);
	stage->oid_len = oid_len;
	stage->usable = false;
	walk.fd = stage->fd;
	walk.at = sizeof(head);
	walk.from = walk.to = 0;
	if (stage->st.st_size > INDEX_MAX ||
	    pread(stage->fd, head, sizeof(head), 0) != sizeof(head) ||
	    !gitindex_begin(&walk.index, head, oid_len))
		return;
	stage->version = walk.index.version;
	stage->usable = mark_all(stage, &walk);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	    a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* git has the name index.lock while it works on the tree and the index. */
static bool
is_locked(const char *dir)
{
	char path[PATH_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/index.lock", dir);
	return lstat(path, &st) == 0;
}

/* Once a turn. */
static void
look_at_index(struct gitstage *stage, const char *dir, size_t oid_len)
{
	char path[PATH_MAX + 16];
	struct stat st;

	stage->looked = true;
	snprintf(path, sizeof(path), "%s/index", dir);
	stage->fd = gitread_open(path, &st);
	if (stage->fd == -1 || (is_same(&st, &stage->st) && stage->oid_len == oid_len))
		return;
	stage->st = st;
	read_marks(stage, oid_len);
}

/* The last mark that is before path. */
static const struct mark *
mark_before(const struct gitstage *stage, const char *path, size_t len)
{
	size_t from = 0, to = stage->n_marks;

	while (to - from > 1) {
		size_t mid = from + (to - from) / 2;
		const struct mark *mark = &stage->marks[mid];

		if (gitindex_order(
			stage->names.p + mark->name, mark->name_len, path, len) < 0)
			from = mid;
		else
			to = mid;
	}
	return &stage->marks[from];
}

static void
walk_from(struct walk *walk, const struct gitstage *stage, const struct mark *mark)
{
	struct gitindex *index = &walk->index;

	walk->fd = stage->fd;
	walk->at = mark->at;
	walk->from = walk->to = 0;
	index->version = stage->version;
	index->oid_len = stage->oid_len;
	index->left = mark->left;
	index->name_len = mark->name_len;
	if (mark->name_len > 0)
		memcpy(index->name, stage->names.p + mark->name, mark->name_len);
	index->name[mark->name_len] = '\0';
}

/* 1; 0: it is not there; -1: that cannot be told. */
static int
find(const struct gitstage *stage, const char *path, struct gitindex_entry *entry)
{
	size_t len = strlen(path);
	struct walk walk;
	int order = -1, ret = 1;

	walk_from(&walk, stage, mark_before(stage, path, len));
	while (order < 0 && (ret = walk_next(&walk, entry)) == 1)
		order = gitindex_order(walk.index.name, walk.index.name_len, path, len);
	return ret == 1 ? order == 0 : ret;
}

struct gitstage_answer
gitstage_look(struct gitstage *stage, const char *dir, size_t oid_len, const char *path,
    const struct stat *file)
{
	struct gitstage_answer answer = { .known = false };
	struct gitindex_entry entry;
	int found;

	if (is_locked(dir))
		return answer;
	if (!stage->looked)
		look_at_index(stage, dir, oid_len);
	if (stage->fd == -1 || !stage->usable ||
	    (found = find(stage, path, &entry)) == -1)
		return answer;
	answer.known = true;
	answer.tracked = found;
	if (found)
		answer.answer = gitindex_compare(&entry, file, &stage->st);
	else
		answer.answer = file == NULL ? GITINDEX_SAME : GITINDEX_DIFFERS;
	return answer;
}
