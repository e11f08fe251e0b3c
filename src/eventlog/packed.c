/* SPDX-License-Identifier: ISC */
#include "eventlog/packed.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xmalloc.h"

#define SKIPPABLE UINT32_C(0x184D2A5E)
#define SEEKABLE UINT32_C(0x8F92EAB1)
#define HEADER_SIZE 8
#define ENTRY_SIZE 8
#define FOOTER_SIZE 9
/* Of a segment of a tebibyte, and a table that is read at once. */
#define FRAMES_MAX (4 * 1024 * 1024)

static void
put32(struct buf *out, uint32_t value)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		buf_addc(out, (char)(value & 0xff));
}

static uint32_t
get32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void
packed_add(struct packed *p, uint32_t size, uint32_t plain_size)
{
	const struct packed_frame *last = p->n > 0 ? &p->v[p->n - 1] : NULL;
	off_t at = last ? last->at + last->size : 0;
	if ((p->n & (p->n - 1)) == 0)
		p->v = xreallocarray(p->v, p->n == 0 ? 1 : p->n * 2, sizeof(*p->v));
	p->v[p->n++] = (struct packed_frame){ at, p->plain_size, size, plain_size };
	p->plain_size += plain_size;
}

void
packed_encode(const struct packed *p, struct buf *out)
{
	put32(out, SKIPPABLE);
	put32(out, (uint32_t)(p->n * ENTRY_SIZE + FOOTER_SIZE));
	for (size_t i = 0; i < p->n; i++) {
		put32(out, p->v[i].size);
		put32(out, p->v[i].plain_size);
	}
	put32(out, (uint32_t)p->n);
	buf_addc(out, 0); /* no checksums */
	put32(out, SEEKABLE);
}

static int
damaged(void)
{
	errno = EBADMSG;
	return -1;
}

static int
read_at(int fd, void *to, size_t n, off_t at)
{
	ssize_t got = pread(fd, to, n, at);
	if (got == -1)
		return -1;
	return (size_t)got == n ? 0 : damaged();
}

/* The entries, and that they account for the whole file. */
static int
read_entries(int fd, off_t size, uint32_t n, struct packed *p)
{
	size_t len = (size_t)n * ENTRY_SIZE;
	off_t at = size - FOOTER_SIZE - (off_t)len, end = 0;
	unsigned char *table = xmalloc(len > 0 ? len : 1);
	int ret = at < HEADER_SIZE ? damaged() : read_at(fd, table, len, at);
	for (size_t i = 0; ret == 0 && i < n; i++) {
		uint32_t plain = get32(table + i * ENTRY_SIZE + 4);
		packed_add(p, get32(table + i * ENTRY_SIZE), plain);
		if (plain > PACKED_FRAME_MAX || p->v[i].size > 2 * PACKED_FRAME_MAX)
			ret = damaged();
		end = p->v[i].at + p->v[i].size;
	}
	free(table);
	return ret == 0 && end + HEADER_SIZE != at ? damaged() : ret;
}

int
packed_read(int fd, off_t size, struct packed *p)
{
	unsigned char footer[FOOTER_SIZE];
	*p = (struct packed){ NULL, 0, 0 };
	if (size < HEADER_SIZE + FOOTER_SIZE)
		return damaged();
	if (read_at(fd, footer, sizeof(footer), size - FOOTER_SIZE) == -1)
		return -1;
	uint32_t n = get32(footer);
	if (get32(footer + 5) != SEEKABLE || footer[4] != 0 || n > FRAMES_MAX)
		return damaged();
	if (read_entries(fd, size, n, p) == 0)
		return 0;
	packed_release(p);
	return -1;
}

const struct packed_frame *
packed_find(const struct packed *p, off_t plain_at)
{
	size_t low = 0, high = p->n;
	if (plain_at < 0 || plain_at >= p->plain_size)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (p->v[middle].plain_at <= plain_at)
			low = middle;
		else
			high = middle;
	}
	return &p->v[low];
}

void
packed_release(struct packed *p)
{
	int saved = errno;
	free(p->v);
	*p = (struct packed){ NULL, 0, 0 };
	errno = saved;
}
