/* SPDX-License-Identifier: ISC */

/*
 * A watch goes from one process to its successor: the descriptor with all
 * watches and what is in its queue, and a snapshot of the table.  Whatever is
 * in doubt is refused, and the successor begins anew.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "watch/snapshot.h"
#include "watch/watch_priv.h"

static bool
is_at_rest(const struct fm_watch *w)
{
	return !w->busy && !w->starved && !fm_watch_scanning(w) && w->rename.held == 0 &&
	    w->repair.due == -1 && w->fresh.used == 0;
}

static struct snapshot_root
root_of(const struct fm_watch *w)
{
	return (struct snapshot_root){ w->dev, w->ino, INOTIFY_TOLD };
}

int
fm_watch_export(struct fm_watch *w, void **table, size_t *len)
{
	struct snapshot_root root = root_of(w);

	if (w->gone || w->backend != FM_BACKEND_INOTIFY || w->lazy) {
		errno = ENOTSUP;
		return -1;
	}
	if (!is_at_rest(w)) {
		errno = EBUSY;
		return -1;
	}
	/* Whatever these still are is told as new when it comes back. */
	relink_drop(w, INT64_MAX);
	return snapshot_write(&w->dirs, &root, table, len);
}

static bool
is_inotify(int fd)
{
	static const char name[] = "anon_inode:inotify";
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(fd)], to[sizeof(name)];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, to, sizeof(to));
	return n == (ssize_t)sizeof(name) - 1 && memcmp(to, name, (size_t)n) == 0;
}

/* The root, which must be there, as it would be watched by these options. */
static int
find_root(struct fm_watch *w)
{
	if (root_find(w) == -1)
		return -1;
	root_choose(w);
	if (w->o.backend == FM_BACKEND_FANOTIFY || w->backend != FM_BACKEND_INOTIFY) {
		errno = ENOTSUP;
		return -1;
	}
	return 0;
}

/* Watching it again gives the number that it has: so fd is what the table is for. */
static int
check_watch(struct fm_watch *w)
{
	int wd = w->ops->watch_path(w, w->prefix);

	if (wd == w->dirs.dirs[DIRTAB_ROOT].wd)
		return 0;
	errno = ESTALE;
	return -1;
}

static int
take_over(struct fm_watch *w, const void *table, size_t len)
{
	struct snapshot_root root;

	if (find_root(w) == -1)
		return -1;
	root = root_of(w);
	if (snapshot_read(&w->dirs, &root, table, len) == -1 || check_watch(w) == -1)
		return -1;
	if (fcntl(w->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(w->fd, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return 0;
}

struct fm_watch *
fm_watch_import(const struct fm_options *o, int fd, const void *table, size_t len)
{
	struct fm_watch *w;

	if (!is_inotify(fd)) {
		errno = ESTALE;
		return NULL;
	}
	if ((w = watch_make(o)) == NULL)
		return NULL;
	w->fd = fd;
	backlog_init(w, inotify_limit());
	if (take_over(w, table, len) == 0)
		return w;
	w->fd = -1; /* it stays the caller's */
	fm_watch_free(w);
	return NULL;
}
