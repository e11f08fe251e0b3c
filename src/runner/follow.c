/* SPDX-License-Identifier: ISC */
/*
 * A segment that has a successor does not grow any more, for the watcher
 * begins the next one only when the last is written.  So the size is looked at
 * after the successor was seen, and only then is the end of a segment its end.
 */
#define _GNU_SOURCE 1
#include "runner/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "eventlog/head.h"
#include "eventlog/name.h"

/* Fed in one turn of the loop. */
#define TURN_MAX (1024 * 1024)
#define SPLICE_MAX (256 * 1024)
/* Of the text around a place, at first, and where a line is long. */
#define WINDOW 4096
#define WINDOW_MAX (1024 * 1024)
#define NSEC_PER_SEC INT64_C(1000000000)

struct follow {
	char *dir;
	int fd; /* the segment that is fed; -1: none */
	uint64_t first;
	off_t at;	 /* what was fed of it */
	uint64_t sought; /* what is fed comes after it */
	uint64_t fed;	 /* the last one known to be fed whole */
	uint64_t missed;
	bool copies;  /* this file system cannot splice */
	char *packed; /* NULL: the next segment is not compressed */
	uint64_t packed_first;
};

/* A line of a segment, and what its beginning says. */
struct place {
	off_t begin, end; /* end is behind its newline */
	uint64_t seq;
	int64_t wall_ns;
};

struct follow *
follow_new(const char *dir)
{
	struct follow *f = xcalloc(1, sizeof(*f));
	f->dir = xstrdup(dir);
	f->fd = -1;
	return f;
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	fd_close(&f->fd);
	free(f->packed);
	free(f->dir);
	free(f);
}

static int
list(const struct follow *f, struct names *names)
{
	int dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd == -1) {
		*names = (struct names){ NULL, 0 };
		return errno == ENOENT ? 0 : -1;
	}
	int result = names_list(dirfd, names);
	fd_close(&dirfd);
	return result;
}

static char *
path_of(const struct follow *f, uint64_t first, enum name_form form)
{
	char name[NAME_SIZE];
	name_format(first, form, name);
	return xasprintf("%s/%s", f->dir, name);
}

static int
open_plain(const struct follow *f, uint64_t first)
{
	char *path = path_of(f, first, FORM_PLAIN);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	free(path);
	return fd;
}

static int64_t
parse_time(const struct record_head *head)
{
	char text[40];
	struct tm tm = { 0 };
	long ns = 0;
	if (!head->time || head->time_len >= sizeof(text))
		return 0;
	memcpy(text, head->time, head->time_len);
	text[head->time_len] = '\0';
	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%ld", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns) < 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) * NSEC_PER_SEC + ns;
}

/* The line in text from begin, which stands at base in the file. */
static bool
take_line(const struct buf *text, size_t begin, size_t end, off_t base, struct place *out)
{
	struct record_head head;
	if (!head_parse(text->p + begin, end - begin, &head))
		return false;
	*out = (struct place){ base + (off_t)begin, base + (off_t)end + 1, head.seq,
		parse_time(&head) };
	return true;
}

static bool
read_window(int fd, off_t from, size_t want, struct buf *text)
{
	buf_reset(text);
	buf_reserve(text, want);
	ssize_t n = pread(fd, text->p, want, from);
	text->len = n > 0 ? (size_t)n : 0;
	return text->len > 0;
}

/* The first record that begins at from or later: its newline must be there. */
static bool
first_in(const struct buf *text, bool whole, off_t from, struct place *out)
{
	size_t begin = 0;
	if (!whole) {
		const char *newline = memchr(text->p, '\n', text->len);
		begin = newline ? (size_t)(newline - text->p) + 1 : text->len;
	}
	while (begin < text->len) {
		const char *newline = memchr(text->p + begin, '\n', text->len - begin);
		if (!newline)
			return false;
		size_t end = (size_t)(newline - text->p);
		if (take_line(text, begin, end, from, out))
			return true;
		begin = end + 1;
	}
	return false;
}

/* Looked at is also the byte before, to know whether a line begins at from. */
static bool
first_from(int fd, off_t from, struct place *out)
{
	struct buf text = BUF_INIT;
	bool found = false;
	off_t look = from > 0 ? from - 1 : 0;
	for (size_t want = WINDOW; !found && want <= WINDOW_MAX; want *= 4) {
		if (!read_window(fd, look, want, &text))
			break;
		found = first_in(&text, from == 0, look, out);
		if (text.len < want)
			break;
	}
	buf_release(&text);
	return found;
}

/* The last record that ends at end or before. */
static bool
last_before(int fd, off_t end, struct place *out)
{
	struct buf text = BUF_INIT;
	bool found = false;
	for (size_t want = WINDOW; !found && want <= WINDOW_MAX; want *= 4) {
		off_t from = end > (off_t)want ? end - (off_t)want : 0;
		if (!read_window(fd, from, (size_t)(end - from), &text))
			break;
		const char *stop = memrchr(text.p, '\n', text.len);
		while (stop && !found) {
			const char *newline =
			    memrchr(text.p, '\n', (size_t)(stop - text.p));
			size_t begin = newline ? (size_t)(newline - text.p) + 1 : 0;
			if (newline || from == 0)
				found = take_line(
				    &text, begin, (size_t)(stop - text.p), from, out);
			stop = newline;
		}
		if (from == 0)
			break;
	}
	buf_release(&text);
	return found;
}

/* Where the first record after seq begins; the end where there is none. */
static off_t
find_after(int fd, uint64_t seq)
{
	struct stat st;
	struct place place;
	off_t low = 0, high = fstat(fd, &st) == 0 ? st.st_size : 0, size = high;
	while (low < high) {
		off_t middle = low + (high - low) / 2;
		if (!first_from(fd, middle, &place) || place.begin >= size ||
		    place.seq > seq)
			high = middle;
		else
			low = place.end;
	}
	return low;
}

int64_t
follow_time_after(const struct follow *f, uint64_t seq)
{
	struct names names;
	struct place place = { .wall_ns = 0 };
	if (list(f, &names) == -1 || names.n == 0)
		return 0;
	for (size_t i = names_find(&names, seq + 1); i < names.n; i++) {
		int fd = open_plain(f, names.v[i].first);
		bool found = fd != -1 && first_from(fd, find_after(fd, seq), &place);
		fd_close(&fd);
		if (found)
			break;
	}
	names_release(&names);
	return place.wall_ns;
}

void
follow_seek(struct follow *f, uint64_t seq)
{
	fd_close(&f->fd);
	free(f->packed);
	f->packed = NULL;
	f->sought = f->fed = seq;
	f->missed = 0;
}

/* The segment becomes the one that is fed, from at. */
static bool
enter(struct follow *f, const struct segment_name *name)
{
	if (!(name->forms & FORM_PLAIN)) {
		f->packed = path_of(f, name->first, FORM_PACKED);
		f->packed_first = name->first;
		return false;
	}
	int fd = open_plain(f, name->first);
	if (fd == -1)
		return false;
	fd_close(&f->fd);
	f->fd = fd;
	f->first = name->first;
	f->at = find_after(fd, f->fed);
	return true;
}

/* The first one to be fed. */
static bool
begin(struct follow *f)
{
	struct names names;
	bool entered = false;
	if (list(f, &names) == -1 || names.n == 0)
		return false;
	size_t i = names_find(&names, f->sought + 1);
	if (names.v[i].first > f->sought + 1)
		f->missed = names.v[i].first - f->sought - 1;
	entered = enter(f, &names.v[i]);
	names_release(&names);
	return entered;
}

/* At the end of the segment: is there more, in it or in a later one? */
static bool
go_on(struct follow *f)
{
	struct names names;
	struct stat st;
	bool more = false;
	if (list(f, &names) == -1)
		return false;
	for (size_t i = 0; i < names.n && !more; i++) {
		if (names.v[i].first <= f->first)
			continue;
		more = (fstat(f->fd, &st) == 0 && st.st_size > f->at) ||
		    enter(f, &names.v[i]);
		break;
	}
	names_release(&names);
	return more;
}

static ssize_t
copy(struct follow *f, int pipe_fd, size_t max)
{
	char block[4096];
	ssize_t n = pread(f->fd, block, max < sizeof(block) ? max : sizeof(block), f->at);
	if (n <= 0)
		return n;
	/* Of so little a pipe takes all or nothing. */
	n = write(pipe_fd, block, (size_t)n);
	if (n > 0)
		f->at += n;
	return n;
}

static ssize_t
feed_some(struct follow *f, int pipe_fd)
{
	ssize_t n = -1;
	if (!f->copies) {
		n = splice(f->fd, &f->at, pipe_fd, NULL, SPLICE_MAX,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		f->copies = n == -1 && errno == EINVAL;
	}
	return f->copies ? copy(f, pipe_fd, SPLICE_MAX) : n;
}

static enum follow_end
end_of(int error)
{
	if (error == EAGAIN)
		return FOLLOW_FULL;
	return error == EPIPE ? FOLLOW_GONE : FOLLOW_FAILED;
}

enum follow_end
follow_feed(struct follow *f, int pipe_fd, uint64_t last)
{
	size_t done = 0;
	if (f->packed)
		return FOLLOW_PACKED;
	if (f->fd == -1 && (f->fed >= last || !begin(f)))
		return f->packed ? FOLLOW_PACKED : FOLLOW_CAUGHT;
	while (done < TURN_MAX) {
		ssize_t n = feed_some(f, pipe_fd);
		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && errno != EINTR)
			return end_of(errno);
		else if (n == 0 && (follow_fed(f) >= last || !go_on(f)))
			return f->packed ? FOLLOW_PACKED : FOLLOW_CAUGHT;
	}
	return FOLLOW_MORE;
}

/* What was fed of the segment before is not looked at again. */
uint64_t
follow_fed(struct follow *f)
{
	struct place place;
	if (f->fd != -1 && f->at > 0 && last_before(f->fd, f->at, &place) &&
	    place.seq > f->fed)
		f->fed = place.seq;
	return f->fed;
}

uint64_t
follow_taken(struct follow *f, size_t unread)
{
	struct place place;
	if (unread == 0)
		return follow_fed(f);
	if (f->fd == -1 || (off_t)unread >= f->at ||
	    !last_before(f->fd, f->at - (off_t)unread, &place))
		return 0;
	return place.seq;
}

uint64_t
follow_missed(const struct follow *f)
{
	return f->missed;
}

const char *
follow_packed(const struct follow *f)
{
	return f->packed;
}

void
follow_skip_packed(struct follow *f)
{
	struct names names;
	free(f->packed);
	f->packed = NULL;
	fd_close(&f->fd);
	if (list(f, &names) == -1)
		return;
	/* The last one is never compressed. */
	for (size_t i = 0; i < names.n; i++) {
		if (names.v[i].first > f->packed_first) {
			f->sought = f->fed = names.v[i].first - 1;
			break;
		}
	}
	names_release(&names);
}
