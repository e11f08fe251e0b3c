/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "watch/watch_priv.h"

/* The longest single event; inotify(7). */
#define EVENT_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)
#define QUEUE_LIMIT 16384 /* fs.inotify.max_queued_events where nobody set it */

/* The limit is the queue's for good: what it is when the queue is made. */
unsigned
inotify_limit(void)
{
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	unsigned limit = QUEUE_LIMIT;

	if (file == NULL)
		return limit;
	if (fscanf(file, "%u", &limit) != 1)
		limit = QUEUE_LIMIT;
	fclose(file);
	return limit;
}

static int
open_queue(struct fm_watch *w)
{
	backlog_init(w, inotify_limit());
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static void
close_queue(struct fm_watch *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
}

static void
leave_root(struct fm_watch *w)
{
	(void)w; /* the kernel has dropped the watches, or they were taken back */
}

static int
watch_path(struct fm_watch *w, const char *path)
{
	return inotify_add_watch(w->fd, path, INOTIFY_TOLD | IN_DONT_FOLLOW);
}

static int
watch_fd(struct fm_watch *w, int fd, const char *path)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];
	int wd;

	if (!w->no_proc) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		wd = inotify_add_watch(w->fd, link, INOTIFY_TOLD);
		if (wd != -1 || errno != ENOENT)
			return wd;
		w->no_proc = true;
	}
	return watch_path(w, path);
}

static void
unwatch(struct fm_watch *w, int wd)
{
	/* EINVAL is normal: the directory may be gone, its IN_IGNORED unread */
	if (w->fd != -1 && inotify_rm_watch(w->fd, wd) == 0)
		w->limit_hit = false;
}

static size_t
unread(const struct fm_watch *w)
{
	int n = 0;

	if (w->fd == -1 || ioctl(w->fd, FIONREAD, &n) == -1 || n < 0)
		return 0;
	return (size_t)n;
}

/* Is n one more write to what the one before was a write to, or its end? */
static bool
repeats_write(const struct notice *before, const struct notice *n)
{
	return (before->mask & IN_MODIFY) && (n->mask & (IN_MODIFY | IN_CLOSE_WRITE)) &&
	    before->wd == n->wd && before->len == n->len && n->len > 0 &&
	    memcmp(before->name, n->name, n->len) == 0;
}

void
inotify_feed(struct fm_watch *w, const void *buf, size_t len)
{
	const char *p = buf, *end = p + len;
	struct notice n = { .wd = -1 }, before = n;
	struct inotify_event head;

	while ((size_t)(end - p) >= sizeof(head)) {
		memcpy(&head, p, sizeof(head));
		p += sizeof(head);
		if (head.len > (size_t)(end - p))
			break;
		n = (struct notice){ head.wd, head.mask, head.cookie, p,
			head.len ? strnlen(p, head.len) : 0 };
		p += head.len;
		w->read_bytes += sizeof(head) + head.len;
		w->events++;
		if (!notice_is_sane(&n))
			w->unknown++;
		else if (!repeats_write(&before, &n))
			notice_apply(w, &n);
		before = n;
	}
}

static int
take(struct fm_watch *w)
{
	ssize_t n;
	bool full;

	if (w->fd == -1)
		return 0;
	n = read(w->fd, w->buf, WATCH_BUFFER);
	if (n == -1)
		return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -1;
	full = (size_t)n > WATCH_BUFFER - EVENT_MAX;
	backlog_begin(w, full);
	inotify_feed(w, w->buf, (size_t)n);
	backlog_end(w);
	fresh_expire(&w->fresh, w->read_bytes);
	return full;
}

const struct backend inotify_backend = {
	.id = FM_BACKEND_INOTIFY,
	.open = open_queue,
	.close = close_queue,
	.leave_root = leave_root,
	.watch_fd = watch_fd,
	.watch_path = watch_path,
	.unwatch = unwatch,
	.take = take,
	.unread = unread,
};
