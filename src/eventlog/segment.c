/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "eventlog/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/fd.h"
#include "eventlog/head.h"
#include "eventlog/name.h"
#include "eventlog/packed.h"

/* How much of a segment's end is looked at. */
#define TAIL_MAX (1024 * 1024)
#define NSEC_PER_SEC INT64_C(1000000000)

int
segment_open_dir(const char *dir)
{
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return -1;
	return fd_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

static int
open_regular(int dirfd, const char *name, int flags, off_t *size)
{
	struct stat st;
	int fd = fd_openat(dirfd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		goto fail;
	}
	*size = st.st_size;
	return fd;
fail:
	fd_close(&fd);
	return -1;
}

int
segment_open(int dirfd, uint64_t seq, off_t *size)
{
	char name[NAME_SIZE];
	name_format(seq, FORM_PLAIN, name);
	return open_regular(dirfd, name, O_WRONLY | O_APPEND | O_CREAT, size);
}

int64_t
segment_born_ns(int fd)
{
	struct statx st;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) == -1 ||
	    !(st.stx_mask & STATX_BTIME))
		return clk_wall_ns();
	return st.stx_btime.tv_sec * NSEC_PER_SEC + st.stx_btime.tv_nsec;
}

static int
read_tail(int fd, off_t size, off_t from, struct buf *tail)
{
	size_t want = (size_t)(size - from);
	buf_reserve(tail, want);
	while (tail->len < want) {
		ssize_t n = pread(
		    fd, tail->p + tail->len, want - tail->len, from + (off_t)tail->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		tail->len += (size_t)n;
	}
	return 0;
}

/* Goes back from the end over lines that are no records, counting them. */
static bool
last_record(const struct buf *tail, size_t end, bool whole, struct segment_end *found)
{
	struct record_head head;
	while (end > 0) {
		const char *newline = memrchr(tail->p, '\n', end - 1);
		size_t start = newline ? (size_t)(newline - tail->p) + 1 : 0;
		if (!newline && !whole)
			return false;
		if (head_parse(tail->p + start, end - 1 - start, &head)) {
			found->seq = head.seq + found->torn; /* each may have been one */
			chain_hash(tail->p + start, end - 1 - start, found->hash);
			return true;
		}
		found->torn++;
		end = start;
	}
	return false;
}

static bool
cut(struct segment_end *end, off_t size)
{
	end->size = size;
	return ftruncate(end->fd, size) == 0;
}

/* Reads the end of the segment that begins with first; end->fd is open.  A
   segment that cannot be understood or cut stays as it is. */
static int
resume(struct segment_end *end, uint64_t first)
{
	struct buf tail = BUF_INIT;
	off_t from = end->size > TAIL_MAX ? end->size - TAIL_MAX : 0;
	int ret = read_tail(end->fd, end->size, from, &tail);
	const char *newline = tail.len > 0 ? memrchr(tail.p, '\n', tail.len) : NULL;
	size_t whole = newline ? (size_t)(newline - tail.p) + 1 : 0;
	bool torn = whole < tail.len, empty = from == 0 && whole == 0;
	uint64_t unused = first + (uint64_t)(end->size / RECORD_MIN);
	bool usable = empty || last_record(&tail, whole, from == 0, end);
	if (usable && torn)
		usable = cut(end, from + (off_t)whole);
	end->torn += torn;
	if (!usable) {
		fd_close(&end->fd);
		end->seq = unused;
	}
	if (end->seq + 1 < first)
		end->seq = first - 1;
	buf_release(&tail);
	return ret;
}

/* Only where somebody took the newer ones away: it can be read by others alone. */
static int
resume_packed(int dirfd, uint64_t first, struct segment_end *end)
{
	char name[NAME_SIZE];
	struct packed packed;
	off_t size = 0;
	name_format(first, FORM_PACKED, name);
	int fd = open_regular(dirfd, name, O_RDONLY, &size);
	int ret = fd == -1 ? -1 : packed_read(fd, size, &packed);
	if (ret == 0) {
		end->seq = first + (uint64_t)(packed.plain_size / RECORD_MIN);
		end->torn = 1;
		packed_release(&packed);
	}
	fd_close(&fd);
	return ret;
}

static int
resume_plain(int dirfd, uint64_t first, struct segment_end *end)
{
	char name[NAME_SIZE];
	name_format(first, FORM_PLAIN, name);
	end->fd = open_regular(dirfd, name, O_RDWR | O_APPEND, &end->size);
	if (end->fd == -1 || resume(end, first) == -1) {
		fd_close(&end->fd);
		return -1;
	}
	if (end->fd == -1)
		end->size = 0;
	return 0;
}

/* The last record before an empty segment, for its hash alone. */
static void
look_before(int dirfd, uint64_t first, struct segment_end *end)
{
	struct segment_end before = { .fd = -1, .hash = CHAIN_NOTHING };
	struct buf tail = BUF_INIT;
	char name[NAME_SIZE];
	name_format(first, FORM_PLAIN, name);
	before.fd = open_regular(dirfd, name, O_RDONLY, &before.size);
	if (before.fd == -1)
		return;
	off_t from = before.size > TAIL_MAX ? before.size - TAIL_MAX : 0;
	if (read_tail(before.fd, before.size, from, &tail) == 0 && tail.len > 0 &&
	    last_record(&tail, tail.len, from == 0, &before))
		memcpy(end->hash, before.hash, sizeof(end->hash));
	buf_release(&tail);
	fd_close(&before.fd);
}

int
segment_resume(int dirfd, struct segment_end *end)
{
	struct names names;
	int ret = 0;
	*end = (struct segment_end){ .fd = -1, .hash = CHAIN_NOTHING };
	if (names_list(dirfd, &names) == -1)
		return -1;
	size_t n = names.n;
	if (n > 0 && !(names.v[n - 1].forms & FORM_PLAIN))
		ret = resume_packed(dirfd, names.v[n - 1].first, end);
	else if (n > 0)
		ret = resume_plain(dirfd, names.v[n - 1].first, end);
	if (ret == 0 && n > 1 && end->fd != -1 && end->size == 0)
		look_before(dirfd, names.v[n - 2].first, end);
	int saved = errno;
	names_release(&names);
	errno = saved;
	return ret;
}
