/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "eventlog/segfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "eventlog/name.h"
#include "eventlog/packed.h"

struct segfile {
	char *dir;
	uint64_t first;
	int fd;
	bool is_packed;
	struct packed table;
	ZSTD_DCtx *zstd;
	const struct packed_frame *frame; /* whose text is here; NULL: none yet */
	struct buf text, raw;
};

static int
open_form(const char *dir, uint64_t first, enum name_form form)
{
	char name[NAME_SIZE];
	name_format(first, form, name);
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	free(path);
	return fd;
}

static int
open_table(struct segfile *s)
{
	struct stat st;

	s->is_packed = true;
	s->zstd = ZSTD_createDCtx();
	if (s->zstd == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (fstat(s->fd, &st) == -1)
		return -1;
	return packed_read(s->fd, st.st_size, &s->table);
}

/* The plain one first: it is whole while both are there. */
struct segfile *
segfile_open(const char *dir, uint64_t first)
{
	struct segfile *s = xcalloc(1, sizeof(*s));
	int ret = 0;

	s->dir = xstrdup(dir);
	s->first = first;
	s->fd = open_form(dir, first, FORM_PLAIN);
	if (s->fd == -1 && errno == ENOENT) {
		s->fd = open_form(dir, first, FORM_PACKED);
		if (s->fd != -1)
			ret = open_table(s);
	}
	if (s->fd != -1 && ret == 0)
		return s;
	int saved = errno;
	segfile_close(s);
	errno = saved;
	return NULL;
}

void
segfile_close(struct segfile *s)
{
	if (s == NULL)
		return;
	fd_close(&s->fd);
	ZSTD_freeDCtx(s->zstd);
	packed_release(&s->table);
	buf_release(&s->text);
	buf_release(&s->raw);
	free(s->dir);
	free(s);
}

off_t
segfile_size(const struct segfile *s)
{
	struct stat st;

	if (s->is_packed)
		return s->table.plain_size;
	return fstat(s->fd, &st) == 0 ? st.st_size : 0;
}

static int
damaged(struct segfile *s)
{
	s->frame = NULL;
	errno = EBADMSG;
	return -1;
}

/* zstd checks the text by a checksum of the frame. */
static int
unpack(struct segfile *s, const struct packed_frame *frame)
{
	if (s->frame == frame)
		return 0;
	buf_reset(&s->raw);
	buf_reserve(&s->raw, frame->size);
	buf_reset(&s->text);
	buf_reserve(&s->text, frame->plain_size);
	ssize_t n = pread(s->fd, s->raw.p, frame->size, frame->at);
	if (n == -1)
		return -1;
	if ((size_t)n != frame->size)
		return damaged(s);
	size_t len = ZSTD_decompressDCtx(
	    s->zstd, s->text.p, frame->plain_size, s->raw.p, frame->size);
	if (ZSTD_isError(len) || len != frame->plain_size)
		return damaged(s);
	s->text.len = len;
	s->frame = frame;
	return 0;
}

static ssize_t
read_packed(struct segfile *s, char *to, size_t n, off_t at)
{
	size_t done = 0;

	while (done < n) {
		const struct packed_frame *frame =
		    packed_find(&s->table, at + (off_t)done);
		if (frame == NULL)
			break;
		if (unpack(s, frame) == -1)
			return done > 0 ? (ssize_t)done : -1;
		size_t skip = (size_t)(at + (off_t)done - frame->plain_at);
		size_t take = s->text.len - skip;
		if (take > n - done)
			take = n - done;
		memcpy(to + done, s->text.p + skip, take);
		done += take;
	}
	return (ssize_t)done;
}

ssize_t
segfile_read(struct segfile *s, void *to, size_t n, off_t at)
{
	return s->is_packed ? read_packed(s, to, n, at) : pread(s->fd, to, n, at);
}

void
segfile_frame(const struct segfile *s, off_t at, off_t *begin, off_t *end)
{
	const struct packed_frame *frame =
	    s->is_packed ? packed_find(&s->table, at) : NULL;

	*begin = frame != NULL ? frame->plain_at : 0;
	*end =
	    frame != NULL ? frame->plain_at + (off_t)frame->plain_size : segfile_size(s);
}

bool
segfile_is_gone(const struct segfile *s)
{
	struct stat st;
	int packed;

	if (fstat(s->fd, &st) == -1 || st.st_nlink > 0)
		return false;
	packed = open_form(s->dir, s->first, FORM_PACKED);
	if (packed == -1)
		return true;
	close(packed);
	return false;
}
