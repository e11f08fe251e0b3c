/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "ctl/search.h"
#include "eventlog/name.h"
#include "eventlog/segfile.h"

#define BLOCK (64 * 1024)

struct segments {
	char *dir;
	struct segfile *file; /* the segment that is read; NULL: none yet */
	uint64_t first;	      /* its name */
	off_t offset;	      /* of buf in it */
	struct buf buf;
	size_t used;  /* of buf, by lines that were given */
	int error;    /* errno where the directory or bad cannot be read */
	uint64_t bad; /* that segment; 0: the directory */
};

/* Notes what cannot be read; what is not there (any more) is no fault. */
static void
note(struct segments *s, uint64_t bad)
{
	s->error = errno == ENOENT ? 0 : errno;
	s->bad = bad;
}

/* The names in order; none where the directory cannot be read. */
static struct names
list_names(struct segments *s)
{
	struct names names = { NULL, 0 };
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	s->error = 0;
	if (fd == -1 || names_list(fd, &names) == -1)
		note(s, 0);
	fd_close(&fd);
	return names;
}

/* Takes the file. */
static void
go_on_with(struct segments *s, struct segfile *file, uint64_t first, off_t offset)
{
	segfile_close(s->file);
	s->file = file;
	s->first = first;
	s->offset = offset;
	s->used = 0;
	buf_reset(&s->buf);
}

static int
move_to(struct segments *s, uint64_t first, off_t offset)
{
	struct segfile *file = segfile_open(s->dir, first);

	if (file == NULL) {
		note(s, first);
		return -1;
	}
	go_on_with(s, file, first, offset);
	return 0;
}

struct segments *
segments_open(const char *dir)
{
	struct segments *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	return s;
}

void
segments_close(struct segments *s)
{
	if (s == NULL)
		return;
	segfile_close(s->file);
	buf_release(&s->buf);
	free(s->dir);
	free(s);
}

void
segments_seek_start(struct segments *s)
{
	struct names names = list_names(s);

	for (size_t i = 0; i < names.n; i++) /* one may be removed just now */
		if (move_to(s, names.v[i].first, 0) == 0 || s->error != 0)
			break;
	names_release(&names);
}

static bool
begins_before(const struct segments *s, uint64_t first, const struct search_order *order)
{
	struct segfile *file = segfile_open(s->dir, first);
	bool before = file != NULL && search_begins_before(file, order);

	segfile_close(file);
	return before;
}

void
segments_seek(struct segments *s, segments_wanted_cb is_before, void *ctx)
{
	const struct search_order order = { is_before, ctx };
	struct names names = list_names(s);
	size_t low = 0, high = names.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (begins_before(s, names.v[middle].first, &order))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || move_to(s, names.v[low - 1].first, 0) == -1)
		segments_seek_start(s);
	else
		s->offset = search_halve(s->file, &order);
	names_release(&names);
}

void
segments_seek_last(struct segments *s, long n, segments_wanted_cb wanted, void *ctx)
{
	struct search_last search = { .left = n, .wanted = wanted, .ctx = ctx };
	struct names names = list_names(s);
	size_t i = names.n;
	off_t at = -1;

	while (i > 0 && at == -1) {
		struct segfile *file = segfile_open(s->dir, names.v[--i].first);
		if (file != NULL)
			at = search_back(file, &search);
		if (at != -1)
			go_on_with(s, file, names.v[i].first, at);
		else
			segfile_close(file);
	}
	if (at == -1)
		segments_seek_start(s);
	names_release(&names);
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
	while (s->file != NULL && segments_next(s, &line, &len) == 1)
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
	if (s->buf.len > SEARCH_LINE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	buf_reserve(&s->buf, BLOCK);
	n = segfile_read(
	    s->file, s->buf.p + s->buf.len, BLOCK, s->offset + (off_t)s->buf.len);
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
find_successor(struct segments *s, uint64_t *first)
{
	struct names names = list_names(s);
	size_t i = 0;
	bool found;

	while (i < names.n && names.v[i].first <= s->first)
		i++;
	found = i < names.n;
	if (!found && names.n > 0 && segfile_is_gone(s->file)) {
		found = true;
		i = 0;
	}
	if (found)
		*first = names.v[i].first;
	names_release(&names);
	return found;
}

/* As segments_next, but where the names cannot be read there is no more. */
static int
next(struct segments *s, const char **line, size_t *len)
{
	uint64_t first;
	int n;

	s->error = 0;
	if (s->file == NULL)
		segments_seek_start(s);
	if (s->file == NULL)
		return 0;
	while ((n = next_here(s, line, len)) == 0 && find_successor(s, &first)) {
		/* More may have been written here before the next one was begun. */
		n = next_here(s, line, len);
		if (n != 0)
			break;
		if (move_to(s, first, 0) == -1)
			return 0;
	}
	if (n == -1)
		note(s, s->first);
	return n;
}

int
segments_next(struct segments *s, const char **line, size_t *len)
{
	int n = next(s, line, len);

	errno = s->error;
	return n == 0 && s->error != 0 ? -1 : n;
}

/* A directory that cannot be searched does not tell in which form it is there. */
static char *
path_of(const struct segments *s, uint64_t first)
{
	enum name_form form = FORM_PLAIN;
	char name[NAME_SIZE];
	struct stat st;
	char *path;

	if (first == 0)
		return xstrdup(s->dir);
	for (;; form = FORM_PACKED) {
		name_format(first, form, name);
		path = xasprintf("%s/%s", s->dir, name);
		if (form == FORM_PACKED || lstat(path, &st) == 0 || errno != ENOENT)
			return path;
		free(path);
	}
}

char *
segments_place(const struct segments *s)
{
	return path_of(s, s->first);
}

char *
segments_trouble(const struct segments *s)
{
	return path_of(s, s->bad);
}
