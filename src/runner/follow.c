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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"
#include "eventlog/name.h"
#include "runner/line.h"

/* Fed in one turn of the loop. */
#define TURN_MAX (1024 * 1024)
#define SPLICE_MAX (256 * 1024)
#define NSEC_PER_SEC INT64_C(1000000000)

struct follow {
	char *dir;
	int fd; /* the segment that is fed; -1: none */
	uint64_t first;
	off_t at;	 /* what was fed of it */
	uint64_t sought; /* what is fed comes after it */
	uint64_t fed;	 /* the last one known to be fed whole */
	uint64_t missed;
	uint64_t told; /* no hole up to this one is counted any more */
	bool copies;   /* this file system cannot splice */
	bool packed;   /* the next segment is compressed: wants */
	int error;     /* why the next one cannot be looked for, or read; 0 */
	struct follow_wants wants;
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

/* As list, for what is to be fed next: that it fails is no end of the log. */
static int
list_next(struct follow *f, struct names *names)
{
	int result = list(f, names);
	f->error = result == -1 ? errno : 0;
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

/* Of a compressed segment the last record's time is known: it is the file's. */
static int64_t
packed_time(const struct follow *f, uint64_t first)
{
	char *path = path_of(f, first, FORM_PACKED);
	struct stat st;
	int64_t ns = 0;
	if (lstat(path, &st) == 0)
		ns = st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec;
	free(path);
	return ns;
}

/* 0: it has none after seq. */
static int64_t
time_in(const struct follow *f, uint64_t first, uint64_t seq)
{
	struct line line = { .wall_ns = 0 };
	int fd = open_plain(f, first);
	if (fd == -1 && f->fd != -1 && f->first == first)
		fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return packed_time(f, first);
	if (!line_from(fd, line_find_after(fd, seq), &line))
		line.wall_ns = 0;
	fd_close(&fd);
	return line.wall_ns;
}

int64_t
follow_time_after(const struct follow *f, uint64_t seq)
{
	struct names names;
	int64_t ns = 0;
	if (list(f, &names) == -1 || names.n == 0)
		return 0;
	for (size_t i = names_find(&names, seq + 1); ns == 0 && i < names.n; i++)
		ns = time_in(f, names.v[i].first, seq);
	names_release(&names);
	return ns;
}

void
follow_seek(struct follow *f, uint64_t seq)
{
	fd_close(&f->fd);
	f->packed = false;
	f->sought = f->fed = f->told = seq;
	f->missed = 0;
}

/* A gap that a segment begins with tells itself of the numbers before it. */
static bool
begins_by_gap(int fd)
{
	static const char mark[] = "\"event_type\":{\"type\":\"gap\"";
	char head[192]; /* no more than the first record up to there */
	ssize_t n = pread(fd, head, sizeof(head), 0);
	return n > 0 && memmem(head, (size_t)n, mark, sizeof(mark) - 1) != NULL;
}

/* What lies between two segments was removed before it was fed. */
static void
count_hole(struct follow *f, uint64_t first, int fd)
{
	uint64_t upto = f->fed > f->told ? f->fed : f->told;
	if (f->fd != -1 && first > upto + 1 && !begins_by_gap(fd))
		f->missed += first - upto - 1;
}

/* Feeding goes on in that segment, behind what was fed.  Takes fd. */
static void
go_to(struct follow *f, uint64_t first, int fd)
{
	count_hole(f, first, fd);
	fd_close(&f->fd);
	f->fd = fd;
	f->first = first;
	f->at = line_find_after(fd, f->fed);
}

/* false where its text is wanted first. */
static bool
enter(struct follow *f, const struct names *names, size_t i)
{
	uint64_t first = names->v[i].first;
	int fd = open_plain(f, first);
	if (fd != -1) {
		go_to(f, first, fd);
		return true;
	}
	/* It may have been compressed, or removed, since it was listed. */
	f->packed = errno == ENOENT;
	f->error = f->packed ? 0 : errno;
	f->wants.first = first;
	f->wants.from = f->fed + 1 > first ? f->fed + 1 : first;
	f->wants.next = i + 1 < names->n ? names->v[i + 1].first : f->wants.from;
	return false;
}

/* The first one to be fed. */
static bool
begin(struct follow *f)
{
	struct names names;
	bool entered = false;
	if (list_next(f, &names) == -1 || names.n == 0)
		return false;
	size_t i = names_find(&names, f->sought + 1);
	if (names.v[i].first > f->sought + 1)
		f->missed = names.v[i].first - f->sought - 1;
	entered = enter(f, &names, i);
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
	if (list_next(f, &names) == -1)
		return false;
	for (size_t i = 0; i < names.n && !more; i++) {
		if (names.v[i].first <= f->first)
			continue;
		more =
		    (fstat(f->fd, &st) == 0 && st.st_size > f->at) || enter(f, &names, i);
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

/* There is no more, or none that can be had now. */
static enum follow_end
stand(const struct follow *f)
{
	if (f->packed)
		return FOLLOW_PACKED;
	if (f->error == 0)
		return FOLLOW_CAUGHT;
	errno = f->error;
	return FOLLOW_FAILED;
}

enum follow_end
follow_feed(struct follow *f, int pipe_fd, uint64_t last)
{
	size_t done = 0;
	f->error = 0;
	if (f->packed)
		return FOLLOW_PACKED;
	if (f->fd == -1 && (f->fed >= last || !begin(f)))
		return stand(f);
	while (done < TURN_MAX) {
		ssize_t n = feed_some(f, pipe_fd);
		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && errno != EINTR)
			return end_of(errno);
		else if (n == 0 && (follow_fed(f) >= last || !go_on(f)))
			return stand(f);
	}
	return FOLLOW_MORE;
}

/* What was fed of the segment before is not looked at again. */
uint64_t
follow_fed(struct follow *f)
{
	struct line line;
	if (f->fd != -1 && f->at > 0 && line_before(f->fd, f->at, &line) &&
	    line.seq > f->fed)
		f->fed = line.seq;
	return f->fed;
}

uint64_t
follow_taken(struct follow *f, size_t unread)
{
	struct line line;
	if (unread == 0)
		return follow_fed(f);
	if (f->fd == -1 || (off_t)unread >= f->at ||
	    !line_before(f->fd, f->at - (off_t)unread, &line))
		return 0;
	return line.seq;
}

uint64_t
follow_missed(const struct follow *f)
{
	return f->missed;
}

const struct follow_wants *
follow_wants(const struct follow *f)
{
	return &f->wants;
}

void
follow_give(struct follow *f, int fd, uint64_t lost)
{
	f->packed = false;
	go_to(f, f->wants.first, fd);
	f->missed += lost;
	if (lost > 0)
		f->told = f->wants.next - 1;
}

void
follow_look_again(struct follow *f)
{
	f->packed = false;
}
