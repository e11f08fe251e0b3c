/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watch/fanotify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

#define GROUP_FLAGS \
	(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME_TARGET)
#define MARK_MASK \
	(FAN_CREATE | FAN_DELETE | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | \
	    FAN_RENAME | FAN_ONDIR)
#define GUARD_MASK (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* More than any single event takes: two names, three handles, a pidfd. */
#define EVENT_MAX 1024
/* With descriptors in the events, fewer are read at once. */
#define PIDFD_BUFFER 4096
/* Full reads after which the guard is asked all the same. */
#define GUARD_EVERY 16

const char *
fanotify_reason(int error)
{
	switch (error) {
	case EPERM:
		return "fanotify needs CAP_SYS_ADMIN";
	case EINVAL:
	case ENOSYS:
		return "fanotify needs Linux 5.17";
	case EOPNOTSUPP:
	case ENODEV:
	case EXDEV:
		return "fanotify is not to be had on this file system";
	default:
		return "fanotify failed";
	}
}

static int
init_group(const struct fm_watch *w)
{
	int fd = -1;

	if (w->o.pidfd)
		fd = fanotify_init(GROUP_FLAGS | FAN_REPORT_PIDFD, O_RDONLY | O_CLOEXEC);
	return fd != -1 ? fd : fanotify_init(GROUP_FLAGS, O_RDONLY | O_CLOEXEC);
}

static int
wait_for(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int
mark(struct fanotify *fan, int fd)
{
	return fanotify_mark(
	    fan->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MARK_MASK, fd, NULL);
}

static int
guard(struct fanotify *fan, int fd)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return inotify_add_watch(fan->guard, link, GUARD_MASK);
}

/* A free place, or the one that the file system had; -1 with EXDEV. */
static int
place_for(struct fanotify *fan, uint64_t fsid)
{
	unsigned i = 0;

	while (i < fan->n_fs && fan->fs[i].fsid != fsid)
		i++;
	/* marked already: a copy of another file system */
	if (i == FAN_FS_MAX || (i < fan->n_fs && fan->fs[i].guard != -1)) {
		errno = EXDEV;
		return -1;
	}
	return (int)i;
}

/*
 * The index of the file system that fd is on, marked now; -1 with errno.  fd is
 * the first directory met of it, so the top of what is mounted here.
 */
static int
add_fs(struct fanotify *fan, int fd, dev_t dev)
{
	struct fan_fs new = { .dev = dev };
	struct statfs fs;
	int i;

	if (fstatfs(fd, &fs) == -1)
		return -1;
	memcpy(&new.fsid, &fs.f_fsid, sizeof(new.fsid));
	if ((i = place_for(fan, new.fsid)) == -1 || mark(fan, fd) == -1 ||
	    (new.guard = guard(fan, fd)) == -1)
		return -1;
	fan->fs[i] = new;
	fan->n_fs += (unsigned)i == fan->n_fs;
	return i;
}

static int
mark_root(struct fm_watch *w)
{
	int fd, wd;

	if (path_set(w, &w->path, DIRTAB_ROOT, NULL, 0) == -1 ||
	    (fd = ladder_open(w, &w->path, O_RDONLY)) == -1)
		return -1;
	wd = fan_number(w, fd, w->path.abs);
	close(fd);
	if (wd == -1)
		return -1;
	w->lazy = w->o.lazy && !w->o.cross_filesystems && resolve_works(w);
	return w->lazy ? dirtab_set_wd(&w->dirs, DIRTAB_ROOT, wd) : 0;
}

static void
close_group(struct fm_watch *w)
{
	int error = errno;

	if (w->fan == NULL)
		return;
	if (w->fan->fd != -1)
		close(w->fan->fd);
	if (w->fan->guard != -1)
		close(w->fan->guard);
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	handles_release(&w->fan->handles);
	free(w->fan);
	w->fan = NULL;
	errno = error;
}

static int
open_group(struct fm_watch *w)
{
	struct fanotify *fan = calloc(1, sizeof(*fan));

	if (fan == NULL)
		return -1;
	w->fan = fan;
	fan->guard = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	fan->fd = init_group(w);
	w->fd = epoll_create1(EPOLL_CLOEXEC);
	if (fan->guard == -1 || fan->fd == -1 || w->fd == -1 ||
	    wait_for(w->fd, fan->guard) == -1 || wait_for(w->fd, fan->fd) == -1 ||
	    (!w->gone && mark_root(w) == -1))
		close_group(w);
	return w->fd;
}

static void
leave_root(struct fm_watch *w)
{
	struct fanotify *fan = w->fan;

	fanotify_mark(fan->fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
	for (unsigned i = 0; i < fan->n_fs; i++)
		if (fan->fs[i].guard != -1)
			inotify_rm_watch(fan->guard, fan->fs[i].guard);
	fan->n_fs = fan->doubt.n = 0;
	memset(fan->elsewhere, 0, sizeof(fan->elsewhere));
}

static int
fs_of(struct fm_watch *w, int fd)
{
	struct fanotify *fan = w->fan;
	struct stat st;

	if (fan->n_fs == 0)
		return add_fs(fan, fd, w->dev);
	if (!w->o.cross_filesystems)
		return 0;
	if (fstat(fd, &st) == -1)
		return -1;
	for (unsigned i = 0; i < fan->n_fs; i++)
		if (fan->fs[i].dev == st.st_dev && fan->fs[i].guard != -1)
			return (int)i;
	return add_fs(fan, fd, st.st_dev);
}

static int
number_of(struct fm_watch *w, int fs, int fd, const char *path, int flags)
{
	union handle_room buf = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
	struct handle handle = { .fs = (uint8_t)fs };
	int mount;

	if (name_to_handle_at(fd, path, &buf.head, &mount, flags) == -1)
		return -1;
	handle.type = (uint8_t)buf.head.handle_type;
	handle.len = (uint8_t)buf.head.handle_bytes;
	handle.bytes = buf.head.f_handle;
	return handles_put(&w->fan->handles, &handle);
}

int
fan_number(struct fm_watch *w, int fd, const char *path)
{
	int fs = fs_of(w, fd), number;

	(void)path;
	if (fs == -1)
		return -1;
	number = number_of(w, fs, fd, "", AT_EMPTY_PATH);
	if (!w->fan->fs[fs].met) {
		w->fan->fs[fs].met = true;
		w->fan->fs[fs].top = number;
	}
	return number;
}

/* A name just made is on the file system of its directory, as long as only the
   root's counts. */
static int
watch_path(struct fm_watch *w, const char *path)
{
	if (w->o.cross_filesystems || w->fan->n_fs == 0) {
		errno = EXDEV;
		return -1;
	}
	return number_of(w, 0, AT_FDCWD, path, 0);
}

static void
unwatch(struct fm_watch *w, int wd)
{
	handles_drop(&w->fan->handles, wd);
	w->limit_hit = false;
}

static size_t
unread(const struct fm_watch *w)
{
	int n = 0, guard = 0;

	if (w->fan == NULL || ioctl(w->fan->fd, FIONREAD, &n) == -1 || n < 0)
		n = 0;
	if (w->fan == NULL || ioctl(w->fan->guard, FIONREAD, &guard) == -1)
		guard = 0;
	return (size_t)n + (size_t)guard;
}

/* A file system was unmounted, its mark is gone: look at what is there now. */
static void
lost_fs(struct fm_watch *w, struct fan_fs *fs)
{
	uint32_t dir = dirtab_by_wd(&w->dirs, fs->top);

	fs->guard = -1;
	if (dir != DIRTAB_NONE)
		tree_queue(w, dir, FM_SCAN_REPAIR, false);
}

static void
said_by_guard(struct fm_watch *w, const struct inotify_event *event)
{
	struct fanotify *fan = w->fan;

	for (unsigned i = 1; i < fan->n_fs; i++)
		if (fan->fs[i].guard == event->wd && (event->mask & IN_IGNORED))
			lost_fs(w, &fan->fs[i]);
	if (fan->n_fs == 0 || fan->fs[0].guard != event->wd || w->gone)
		return;
	/* What was removed and made again may have its inode's number. */
	if ((event->mask & (IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED)) ||
	    !fm_watch_root_same(w))
		root_lost(w);
}

static void
ask_guard(struct fm_watch *w)
{
	alignas(struct inotify_event) char buf[4096];
	ssize_t n;

	while ((n = read(w->fan->guard, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *event = (const void *)p;
			p += sizeof(*event) + event->len;
			said_by_guard(w, event);
		}
}

static int
take(struct fm_watch *w)
{
	size_t room = w->o.pidfd ? PIDFD_BUFFER : WATCH_BUFFER;
	ssize_t n;
	bool more;

	if (w->fan == NULL)
		return 0;
	n = read(w->fan->fd, w->buf, room);
	if (n == -1 && errno != EAGAIN)
		return errno == EINTR ? 1 : -1;
	if (n > 0)
		fanotify_feed(w, w->buf, (size_t)n);
	fresh_expire(&w->fresh, w->read_bytes);
	more = n > 0 && (size_t)n > room - EVENT_MAX;
	if (!more) {
		doubt_settle(w);
		w->listed_before = w->listed;
	}
	if (!more || ++w->fan->full_reads % GUARD_EVERY == 0)
		ask_guard(w);
	return more;
}

size_t
fanotify_memory(const struct fm_watch *w)
{
	return w->fan == NULL ? 0 : sizeof(*w->fan) + handles_memory(&w->fan->handles);
}

const struct backend fanotify_backend = {
	.id = FM_BACKEND_FANOTIFY,
	.open = open_group,
	.close = close_group,
	.leave_root = leave_root,
	.watch_fd = fan_number,
	.watch_path = watch_path,
	.unwatch = unwatch,
	.take = take,
	.unread = unread,
};
