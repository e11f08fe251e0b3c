/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "pack/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

#define LEVEL 3
#define TEMP_SUFFIX ".tmp"

struct pack {
	int dirfd, in, out;
	char plain[NAME_SIZE], packed[NAME_SIZE], temp[NAME_SIZE + sizeof(TEMP_SUFFIX)];
	struct stat st; /* of the plain one */
	ZSTD_CCtx *zstd;
	struct buf text;  /* read, and not yet written */
	struct buf frame; /* room for one */
	struct packed table;
};

static int
open_plain(struct pack *p, const char *dir, uint64_t first)
{
	name_format(first, FORM_PLAIN, p->plain);
	name_format(first, FORM_PACKED, p->packed);
	snprintf(p->temp, sizeof(p->temp), "%s" TEMP_SUFFIX, p->packed);
	p->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->dirfd == -1)
		return -1;
	p->in =
	    openat(p->dirfd, p->plain, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (p->in == -1 || fstat(p->in, &p->st) == -1)
		return -1;
	if (S_ISREG(p->st.st_mode))
		return 0;
	errno = EINVAL;
	return -1;
}

/* What a killed run left is begun anew. */
static int
open_temp(struct pack *p)
{
	unlinkat(p->dirfd, p->temp, 0);
	p->out = openat(p->dirfd, p->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return p->out == -1 ? -1 : 0;
}

static int
write_frame(struct pack *p, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	buf_reset(&p->frame);
	buf_reserve(&p->frame, room);
	size_t n = ZSTD_compress2(p->zstd, p->frame.p, room, p->text.p, len);
	if (ZSTD_isError(n)) {
		errno = ENOMEM;
		return -1;
	}
	packed_add(&p->table, (uint32_t)n, (uint32_t)len);
	buf_consume(&p->text, len);
	return fd_write_all(p->out, p->frame.p, n);
}

/* 1: there may be more; 0: that was all. */
static int
read_text(struct pack *p)
{
	buf_reserve(&p->text, PACKED_FRAME);
	ssize_t n = read(p->in, p->text.p + p->text.len, PACKED_FRAME);
	if (n == -1)
		return -1;
	p->text.len += (size_t)n;
	return n > 0;
}

/* How much of the text makes a frame: whole lines, where a line has an end. */
static size_t
frame_len(const struct buf *text, bool more)
{
	if (!more)
		return text->len < PACKED_FRAME_MAX ? text->len : PACKED_FRAME_MAX;
	if (text->len < PACKED_FRAME)
		return 0;
	const char *end = memrchr(text->p, '\n', text->len);
	if (end)
		return (size_t)(end - text->p) + 1;
	return text->len + PACKED_FRAME > PACKED_FRAME_MAX ? text->len : 0;
}

static int
write_frames(struct pack *p)
{
	int more;
	do {
		more = read_text(p);
		for (size_t n; more != -1 && (n = frame_len(&p->text, more)) > 0;)
			if (write_frame(p, n) == -1)
				return -1;
	} while (more == 1);
	return more;
}

static int
write_all(struct pack *p)
{
	const struct timespec times[] = { p->st.st_atim, p->st.st_mtim };
	struct buf table = BUF_INIT;
	p->zstd = ZSTD_createCCtx();
	if (!p->zstd) {
		errno = ENOMEM;
		return -1;
	}
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
	if (write_frames(p) == -1)
		return -1;
	packed_encode(&p->table, &table);
	int ret = fd_write_all(p->out, table.p, table.len);
	buf_release(&table);
	if (ret == 0)
		ret = futimens(p->out, times);
	return ret;
}

/* Somebody may have written to it, or put another file there, meanwhile. */
static int
check_same(const struct pack *p)
{
	struct stat st;
	if (fstatat(p->dirfd, p->plain, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (st.st_ino == p->st.st_ino && st.st_size == p->st.st_size &&
	    p->table.plain_size == st.st_size)
		return 0;
	errno = EBUSY;
	return -1;
}

static int
replace(struct pack *p)
{
	if (fsync(p->out) == -1 || check_same(p) == -1 ||
	    renameat(p->dirfd, p->temp, p->dirfd, p->packed) == -1)
		return -1;
	if (fsync(p->dirfd) == -1)
		return -1;
	return unlinkat(p->dirfd, p->plain, 0);
}

static void
release(struct pack *p)
{
	int saved = errno;
	ZSTD_freeCCtx(p->zstd);
	buf_release(&p->text);
	buf_release(&p->frame);
	packed_release(&p->table);
	fd_close(&p->in);
	fd_close(&p->out);
	fd_close(&p->dirfd);
	errno = saved;
}

int
pack_segment(const char *dir, uint64_t first)
{
	struct pack p = { .dirfd = -1, .in = -1, .out = -1 };
	int ret = open_plain(&p, dir, first);
	if (ret == 0)
		ret = open_temp(&p);
	if (ret == 0)
		ret = write_all(&p);
	if (ret == 0)
		ret = replace(&p);
	if (ret == -1 && p.out != -1) {
		int saved = errno;
		unlinkat(p.dirfd, p.temp, 0);
		errno = saved;
	}
	release(&p);
	return ret;
}
