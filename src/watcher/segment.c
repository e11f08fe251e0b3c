/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

#define NAME_DIGITS 20
#define NAME_SIZE sizeof("00000000000000000000.ndjson")
/* How much of a segment's end is looked at. */
#define TAIL_MAX (1024 * 1024)
/* {"v":1,"seq":1,"id":"…","timestamp_utc":"…","event_type":{"type":"…"}} is longer. */
#define RECORD_MIN 100

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
	snprintf(name, sizeof(name), "%0*" PRIu64 ".ndjson", NAME_DIGITS, seq);
	return open_regular(dirfd, name, O_WRONLY | O_APPEND | O_CREAT, size);
}

static bool
parse_number(const char *s, size_t len, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' ||
		    __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(s[i] - '0'), value))
			return false;
	}
	return len > 0 && *value < INT64_MAX;
}

static bool
is_segment(const char *name, uint64_t *seq)
{
	return strlen(name) == NAME_SIZE - 1 && parse_number(name, NAME_DIGITS, seq) &&
	    strcmp(name + NAME_DIGITS, ".ndjson") == 0;
}

/* The highest first number among the segments; *any is false where there is none. */
static int
find_newest(int dirfd, uint64_t *newest, bool *any)
{
	uint64_t seq;
	*any = false;
	*newest = 0;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	if (!d) {
		fd_close(&fd);
		return -1;
	}
	errno = 0;
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!is_segment(e->d_name, &seq))
			continue;
		*any = true;
		if (seq > *newest)
			*newest = seq;
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return saved == 0 ? 0 : -1;
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

/* Members of version 1 stand in this order; only whole records end so. */
static bool
seq_of(const char *line, size_t len, uint64_t *seq)
{
	static const char head[] = "{\"v\":1,\"seq\":";
	size_t skip = sizeof(head) - 1, digits = 0;
	if (len <= skip || memcmp(line, head, skip) != 0 || line[len - 1] != '}')
		return false;
	while (skip + digits < len && line[skip + digits] >= '0' &&
	    line[skip + digits] <= '9')
		digits++;
	return parse_number(line + skip, digits, seq);
}

/* Goes back from the end over lines that are no records, counting them. */
static bool
last_seq(const struct buf *tail, size_t end, bool whole, struct segment_end *found)
{
	while (end > 0) {
		const char *newline = memrchr(tail->p, '\n', end - 1);
		size_t start = newline ? (size_t)(newline - tail->p) + 1 : 0;
		if (!newline && !whole)
			return false;
		if (seq_of(tail->p + start, end - 1 - start, &found->seq)) {
			found->seq += found->torn; /* each may have been one */
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
	bool usable = empty || last_seq(&tail, whole, from == 0, end);
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

int
segment_resume(int dirfd, struct segment_end *end)
{
	char name[NAME_SIZE];
	uint64_t newest;
	bool any;
	*end = (struct segment_end){ .fd = -1 };
	if (find_newest(dirfd, &newest, &any) == -1)
		return -1;
	if (!any)
		return 0;
	snprintf(name, sizeof(name), "%0*" PRIu64 ".ndjson", NAME_DIGITS, newest);
	end->fd = open_regular(dirfd, name, O_RDWR | O_APPEND, &end->size);
	if (end->fd == -1 || resume(end, newest) == -1) {
		fd_close(&end->fd);
		return -1;
	}
	if (end->size >= SEGMENT_MAX)
		fd_close(&end->fd);
	if (end->fd == -1)
		end->size = 0;
	return 0;
}
