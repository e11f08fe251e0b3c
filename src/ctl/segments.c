/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define BLOCK (64 * 1024)
#define LINE_LENGTH_MAX (16 * 1024 * 1024)
#define SEQ_DIGITS 20
#define SUFFIX ".ndjson"

struct segments {
	char *dir;
	int fd;		/* of the segment that is read; -1: none yet */
	uint64_t first; /* its name */
	off_t offset;	/* of buf in it */
	struct buf buf;
	size_t used; /* of buf, by lines that were given */
};

struct names {
	uint64_t *first;
	size_t n;
};

static bool
parse_name(const char *name, uint64_t *first)
{
	if (strspn(name, "0123456789") != SEQ_DIGITS ||
	    strcmp(name + SEQ_DIGITS, SUFFIX) != 0)
		return false;
	*first = strtoull(name, NULL, 10);
	return true;
}

static int
compare_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The names in order; none where the directory cannot be read. */
static struct names
list_names(const struct segments *s)
{
	struct names names = { NULL, 0 };
	DIR *dir = opendir(s->dir);
	struct dirent *entry;
	uint64_t first;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!parse_name(entry->d_name, &first))
			continue;
		names.first =
		    xreallocarray(names.first, names.n + 1, sizeof(*names.first));
		names.first[names.n++] = first;
	}
	if (dir != NULL)
		closedir(dir);
	if (names.n > 0)
		qsort(names.first, names.n, sizeof(*names.first), compare_first);
	return names;
}

static int
open_segment(const struct segments *s, uint64_t first)
{
	char *path = xasprintf("%s/%0*" PRIu64 SUFFIX, s->dir, SEQ_DIGITS, first);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	free(path);
	return fd;
}

static int
move_to(struct segments *s, uint64_t first, off_t offset)
{
	int fd = open_segment(s, first);

	if (fd == -1)
		return -1;
	fd_close(&s->fd);
	s->fd = fd;
	s->first = first;
	s->offset = offset;
	s->used = 0;
	buf_reset(&s->buf);
	return 0;
}

struct segments *
segments_open(const char *dir)
{
	struct segments *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	s->fd = -1;
	return s;
}

void
segments_close(struct segments *s)
{
	if (s == NULL)
		return;
	fd_close(&s->fd);
	buf_release(&s->buf);
	free(s->dir);
	free(s);
}

void
segments_seek_start(struct segments *s)
{
	struct names names = list_names(s);

	for (size_t i = 0; i < names.n; i++) /* one may be removed just now */
		if (move_to(s, names.first[i], 0) == 0)
			break;
	free(names.first);
}

void
segments_seek_seq(struct segments *s, uint64_t seq)
{
	struct names names = list_names(s);
	size_t i = names.n;

	while (i > 0 && names.first[i - 1] > seq)
		i--;
	if (i == 0 || move_to(s, names.first[i - 1], 0) == -1)
		segments_seek_start(s);
	free(names.first);
}

/* A search backwards: how many are still wanted, and by whom. */
struct search {
	long left;
	segments_wanted_cb wanted;
	void *ctx;
};

static bool
counts(struct search *search, const char *line, size_t len)
{
	return search->wanted(search->ctx, line, len) && --search->left == 0;
}

/*
 * Looks at the complete lines of block from its end; lines that begin before it
 * are left: *rest is their length with the newline.  True where the search
 * ended, at the line that begins at *rest.
 */
static bool
search_block(struct search *search, const struct buf *block, bool is_start, size_t *rest)
{
	const char *end = memrchr(block->p, '\n', block->len);

	while (end != NULL) {
		const char *before = memrchr(block->p, '\n', (size_t)(end - block->p));
		const char *line = before != NULL ? before + 1 : block->p;
		if (before == NULL && !is_start)
			break;
		if (counts(search, line, (size_t)(end - line))) {
			*rest = (size_t)(line - block->p);
			return true;
		}
		end = before;
	}
	*rest = end != NULL ? (size_t)(end - block->p) + 1 : 0;
	return false;
}

/* The place in fd where the search ended; -1 where it did not. */
static off_t
search_segment(struct search *search, int fd)
{
	struct buf block = BUF_INIT, longer = BUF_INIT;
	struct stat st;
	off_t at = fstat(fd, &st) == 0 ? st.st_size : 0;
	bool found = false, torn = true;
	size_t rest = 0;

	while (at > 0 && !found && block.len < LINE_LENGTH_MAX) {
		size_t take = at < BLOCK ? (size_t)at : BLOCK;
		buf_reset(&longer);
		buf_reserve(&longer, take + block.len);
		if (pread(fd, longer.p, take, at - (off_t)take) != (ssize_t)take)
			break;
		longer.len = take;
		if (block.len > 0)
			buf_add(&longer, block.p, block.len);
		struct buf swap = block;
		block = longer;
		longer = swap;
		at -= (off_t)take;
		/* What follows the last newline of all is not complete. */
		if (torn && memchr(block.p, '\n', block.len) == NULL)
			continue;
		torn = false;
		found = search_block(search, &block, at == 0, &rest);
		if (!found)
			buf_truncate(&block, rest);
	}
	buf_release(&block);
	buf_release(&longer);
	return found ? at + (off_t)rest : -1;
}

void
segments_seek_last(struct segments *s, long n, segments_wanted_cb wanted, void *ctx)
{
	struct search search = { .left = n, .wanted = wanted, .ctx = ctx };
	struct names names = list_names(s);
	size_t i = names.n;
	off_t at = -1;

	while (i > 0 && at == -1) {
		int fd = open_segment(s, names.first[--i]);
		if (fd != -1)
			at = search_segment(&search, fd);
		fd_close(&fd);
	}
	if (at == -1 || move_to(s, names.first[i], at) == -1)
		segments_seek_start(s);
	free(names.first);
}

static bool
is_any(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	(void)line;
	(void)len;
	return true;
}

void
segments_seek_end(struct segments *s)
{
	const char *line;
	size_t len;

	segments_seek_last(s, 1, is_any, NULL);
	while (s->fd != -1 && segments_next(s, &line, &len) == 1)
		continue;
}

/* 1 where buf got longer, 0 at the end of the segment. */
static int
read_more(struct segments *s)
{
	ssize_t n;

	s->offset += (off_t)s->used;
	buf_consume(&s->buf, s->used);
	s->used = 0;
	if (s->buf.len > LINE_LENGTH_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	buf_reserve(&s->buf, BLOCK);
	n = pread(s->fd, s->buf.p + s->buf.len, BLOCK, s->offset + (off_t)s->buf.len);
	if (n > 0) {
		s->buf.len += (size_t)n;
		return 1;
	}
	/* A torn line may be cut off and written anew: read it again then. */
	buf_reset(&s->buf);
	return (int)n;
}

/* 1 with a line of this segment, 0 at its end. */
static int
next_here(struct segments *s, const char **line, size_t *len)
{
	for (;;) {
		const char *p = s->buf.len > s->used ? s->buf.p + s->used : NULL;
		const char *end =
		    p != NULL ? memchr(p, '\n', s->buf.len - s->used) : NULL;
		if (end != NULL) {
			*line = p;
			*len = (size_t)(end - p);
			s->used += *len + 1;
			return 1;
		}
		int n = read_more(s);
		if (n <= 0)
			return n;
	}
}

/*
 * The segment after this one; where the log was removed and begun anew, its
 * first.  False where there is none.
 */
static bool
find_successor(const struct segments *s, uint64_t *first)
{
	struct names names = list_names(s);
	struct stat st;
	size_t i = 0;
	bool found;

	while (i < names.n && names.first[i] <= s->first)
		i++;
	found = i < names.n;
	if (!found && names.n > 0 && fstat(s->fd, &st) == 0 && st.st_nlink == 0) {
		found = true;
		i = 0;
	}
	if (found)
		*first = names.first[i];
	free(names.first);
	return found;
}

int
segments_next(struct segments *s, const char **line, size_t *len)
{
	uint64_t first;
	int n;

	if (s->fd == -1)
		segments_seek_start(s);
	if (s->fd == -1)
		return 0;
	while ((n = next_here(s, line, len)) == 0 && find_successor(s, &first)) {
		/* More may have been written here before the next one was begun. */
		n = next_here(s, line, len);
		if (n != 0)
			break;
		if (move_to(s, first, 0) == -1)
			return errno == ENOENT ? 0 : -1;
	}
	return n;
}
