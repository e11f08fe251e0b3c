/* SPDX-License-Identifier: ISC */
#include "pack/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "eventlog/head.h"
#include "eventlog/segfile.h"

#define BLOCK (64 * 1024)

struct unpack {
	struct segfile *file;
	int out;
	uint64_t begin; /* the first record written; 0: not known */
	uint64_t lines; /* written */
	bool damaged;
	char block[BLOCK];
};

/* The number of the record that begins at at; 0: it is not to be had. */
static uint64_t
seq_at(struct unpack *u, off_t at)
{
	struct record_head head;
	ssize_t n = segfile_read(u->file, u->block, sizeof(u->block), at);
	const char *end = n > 0 ? memchr(u->block, '\n', (size_t)n) : NULL;

	if (end == NULL || !head_parse(u->block, (size_t)(end - u->block), &head))
		return 0;
	return head.seq;
}

/* The beginning of a frame before which nothing is wanted. */
static off_t
find(struct unpack *u, uint64_t from)
{
	off_t low = 0, high = segfile_size(u->file), begin, end;

	while (high > low) {
		segfile_frame(u->file, low + (high - low) / 2, &begin, &end);
		if (begin <= low && end >= high)
			break;
		if (begin <= low)
			begin = end;
		uint64_t seq = seq_at(u, begin);
		if (seq > 0 && seq <= from)
			low = begin;
		else
			high = begin;
	}
	return low;
}

static void
count(struct unpack *u, size_t n)
{
	const char *p = u->block, *end = u->block + n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		u->lines++;
		p++;
	}
}

static int
copy(struct unpack *u, off_t at)
{
	for (;;) {
		ssize_t n = segfile_read(u->file, u->block, sizeof(u->block), at);
		if (n == -1 && errno == EBADMSG) {
			off_t begin;
			u->damaged = true;
			segfile_frame(u->file, at, &begin, &at);
			continue;
		}
		if (n <= 0)
			return (int)n;
		count(u, (size_t)n);
		if (fd_write_all(u->out, u->block, (size_t)n) == -1)
			return -1;
		at += n;
	}
}

/* Where the first frame is damaged, the first that is wanted may be in it. */
static uint64_t
count_lost(const struct unpack *u, const struct unpack_range *range)
{
	bool known = u->begin > 0 && u->begin < range->from;
	uint64_t wanted = range->next - (known ? u->begin : range->from);

	return wanted > u->lines ? wanted - u->lines : 0;
}

int
unpack_segment(const char *dir, const struct unpack_range *range, int out, uint64_t *lost)
{
	static struct unpack u;
	off_t at;
	int ret;

	u = (struct unpack){ .file = segfile_open(dir, range->first), .out = out };
	*lost = range->next - range->from;
	if (u.file == NULL)
		return errno == EBADMSG ? 1 : -1;
	at = find(&u, range->from);
	u.begin = seq_at(&u, at);
	ret = copy(&u, at);
	segfile_close(u.file);
	if (ret == -1 || !u.damaged)
		return ret;
	*lost = count_lost(&u, range);
	return 1;
}
