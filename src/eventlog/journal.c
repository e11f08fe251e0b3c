/* SPDX-License-Identifier: ISC */
#include "eventlog/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/xmalloc.h"

#define NSEC_PER_MSEC INT64_C(1000000)
#define KEEP (64 * 1024)

void
journal_init(struct journal *j, const char *dir, const struct journal_limits *limits)
{
	*j = (struct journal){ .dirfd = -1, .hash = CHAIN_NOTHING };
	j->dir = dir ? xstrdup(dir) : NULL;
	outlet_init(&j->outlet);
	journal_limit(j, limits);
}

void
journal_release(struct journal *j)
{
	outlet_release(&j->outlet);
	buf_release(&j->last);
	fd_close(&j->dirfd);
	free(j->dir);
	j->dir = NULL;
}

/* Nobody computes a hash until one is wanted. */
static void
hash_last(struct journal *j)
{
	if (j->last.len > 0)
		chain_hash(j->last.p, j->last.len - 1, j->hash);
	buf_release(&j->last);
}

void
journal_limit(struct journal *j, const struct journal_limits *limits)
{
	if (limits->chain && !j->limits.chain)
		hash_last(j);
	j->limits = *limits;
	if (j->limits.size == 0)
		j->limits.size = JOURNAL_SIZE_DEFAULT;
}

static uint64_t
size_now(const struct journal *j)
{
	return j->outlet.written - j->base;
}

static void
take(struct journal *j, int fd, off_t size)
{
	fd_close(&j->outlet.fd);
	j->outlet.fd = fd;
	j->base = j->outlet.written - (uint64_t)size;
	j->begun += fd != -1;
	j->born_ns = fd == -1 ? 0 : segment_born_ns(fd);
}

int
journal_open(struct journal *j, struct segment_end *end)
{
	j->dirfd = segment_open_dir(j->dir);
	if (j->dirfd == -1 || segment_resume(j->dirfd, end) == -1)
		return -1;
	memcpy(j->hash, end->hash, sizeof(j->hash));
	take(j, end->fd, end->size);
	journal_turn(j, clk_wall_ns());
	return 0;
}

static bool
is_gone(const struct journal *j)
{
	struct stat st;
	return fstat(j->outlet.fd, &st) == 0 && st.st_nlink == 0;
}

/* Begins the segment whose first record is seq; makes the directory anew where
   somebody removed it. */
static int
begin(struct journal *j, uint64_t seq)
{
	off_t size = 0;
	int fd = segment_open(j->dirfd, seq, &size);
	if (fd == -1 && (errno == ENOENT || j->dirfd == -1)) {
		fd_close(&j->dirfd);
		j->dirfd = segment_open_dir(j->dir);
		fd = j->dirfd == -1 ? -1 : segment_open(j->dirfd, seq, &size);
	}
	if (fd == -1)
		return -1;
	take(j, fd, size);
	return 0;
}

void
journal_link(const struct journal *j, struct buf *line)
{
	if (j->dir && j->limits.chain)
		chain_add(line, j->hash);
}

bool
journal_put(struct journal *j, const struct buf *line, uint64_t seq)
{
	if (!outlet_put(&j->outlet, line->p, line->len, seq))
		return false;
	if (j->limits.chain) {
		chain_hash(line->p, line->len - 1, j->hash);
	} else {
		buf_shrink(&j->last, KEEP);
		buf_add(&j->last, line->p, line->len);
	}
	return true;
}

int
journal_write(struct journal *j)
{
	struct outlet *o = &j->outlet;
	if (o->fd != -1 && !o->begun && is_gone(j))
		fd_close(&o->fd);
	if (o->fd == -1 && begin(j, o->first_seq) == -1)
		return -1;
	return outlet_write(o);
}

/* An empty segment has no age: there is nothing in it that gets old. */
void
journal_turn(struct journal *j, int64_t wall_ns)
{
	const struct journal_limits *limits = &j->limits;
	if (j->outlet.fd == -1 || size_now(j) == 0)
		return;
	if (size_now(j) >= (uint64_t)limits->size ||
	    (limits->age_ms > 0 &&
		wall_ns - j->born_ns >= limits->age_ms * NSEC_PER_MSEC))
		fd_close(&j->outlet.fd); /* the next record begins a new one */
}

int
journal_rotate(struct journal *j, uint64_t seq)
{
	if (j->outlet.fd != -1 && size_now(j) == 0 && !is_gone(j))
		return 0;
	return begin(j, seq);
}
