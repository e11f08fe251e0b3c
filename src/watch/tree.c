/* SPDX-License-Identifier: ISC */

/*
 * The table of directories together with the kernel's watches.  What a listing
 * finds is the truth: the kernel gives one number per inode, so the number it
 * gives for the directory at a place tells whether that is still the directory
 * the table has there.  Where it is not, everything about it is forgotten and
 * found again, and the other place that had this number is looked at too.
 * That mends whatever the order of events left wrong.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

static const struct {
	uint16_t flag;
	enum fm_cause cause;
} polled[] = {
	{ DIR_POLL_LIMIT, FM_CAUSE_WATCH_LIMIT },
	{ DIR_POLL_FAILED, FM_CAUSE_WATCH_FAILED },
	{ DIR_POLL_BACKEND, FM_CAUSE_BACKEND },
};

#define POLLED_COUNT (sizeof(polled) / sizeof(polled[0]))

static struct dir *
get(struct fm_watch *w, uint32_t dir)
{
	return &w->dirs.dirs[dir];
}

void
tree_queue(struct fm_watch *w, uint32_t dir, unsigned flags, bool front)
{
	get(w, dir)->flags |= (uint16_t)flags;
	dirtab_queue(&w->dirs, dir, front);
}

void
tree_queue_all(struct fm_watch *w, uint32_t having, unsigned flags)
{
	for (uint32_t i = 0; i < w->dirs.made; i++) {
		unsigned has = get(w, i)->flags;
		if (!(has & DIR_DEAD) && (having == 0 || (has & having)))
			tree_queue(w, i, flags, false);
	}
}

/* What follows dir where all of top is gone through. */
static uint32_t
next_of(struct fm_watch *w, uint32_t dir, uint32_t top)
{
	if (get(w, dir)->child != DIRTAB_NONE)
		return get(w, dir)->child;
	while (dir != top && get(w, dir)->next == DIRTAB_NONE)
		dir = get(w, dir)->parent;
	return dir == top ? DIRTAB_NONE : get(w, dir)->next;
}

void
tree_queue_failed(struct fm_watch *w, uint32_t top)
{
	if (w->failed == 0)
		return;
	for (uint32_t dir = top; dir != DIRTAB_NONE; dir = next_of(w, dir, top))
		if (get(w, dir)->flags & DIR_FAILED)
			tree_queue(w, dir, FM_SCAN_REPAIR, false);
}

void
tree_clear_polled(struct fm_watch *w, uint32_t dir)
{
	struct dir *d = get(w, dir);

	for (size_t i = 0; i < POLLED_COUNT; i++) {
		enum fm_cause cause = polled[i].cause;
		if (!(d->flags & polled[i].flag))
			continue;
		d->flags &= (uint16_t)~polled[i].flag;
		if (--w->polled[cause] > 0 || !w->degraded[cause] ||
		    cause == w->poll_cause)
			continue;
		w->degraded[cause] = false;
		tell_state(w, FM_RESTORED, cause, 0);
	}
}

static void
set_polled(struct fm_watch *w, uint32_t dir, enum fm_cause cause, int error)
{
	size_t i = 0;

	while (polled[i].cause != cause)
		i++;
	if (get(w, dir)->flags & polled[i].flag)
		return;
	tree_clear_polled(w, dir);
	get(w, dir)->flags |= polled[i].flag;
	w->polled[cause]++;
	if (w->poll_due == -1)
		w->poll_due = watch_now() + w->o.poll_interval_ms;
	if (w->degraded[cause] || w->o.backend == FM_BACKEND_POLL)
		return;
	w->degraded[cause] = true;
	tell_state(w, FM_DEGRADED, cause, error);
}

void
tree_failed(struct fm_watch *w, uint32_t dir, bool retry)
{
	struct dir *d = get(w, dir);

	w->failed += !(d->flags & DIR_FAILED);
	d->flags |= DIR_FAILED;
	if (!retry)
		return;
	if (!(d->flags & DIR_RETRY)) {
		d->flags |= DIR_RETRY;
		w->retries++;
	}
	if (w->retry.due == -1)
		w->retry.due = watch_now() + w->retry.wait;
}

void
tree_clear_failed(struct fm_watch *w, uint32_t dir)
{
	struct dir *d = get(w, dir);

	if ((d->flags & DIR_RETRY) && --w->retries == 0)
		w->retry = (struct backoff){ RETRY_MIN_MS, -1 };
	w->failed -= (d->flags & DIR_FAILED) != 0;
	d->flags &= (uint16_t) ~(DIR_FAILED | DIR_RETRY);
}

void
tree_drop_watch(struct fm_watch *w, uint32_t dir)
{
	int wd = get(w, dir)->wd;

	if (wd < 0)
		return;
	dirtab_set_wd(&w->dirs, dir, -1);
	w->ops->unwatch(w, wd);
}

static void
forget_one(struct fm_watch *w, uint32_t dir)
{
	rename_forget(w, dir);
	relink_forget(w, dir);
	if (w->fan != NULL)
		doubt_forget(&w->fan->doubt, dir);
	if (w->list.dir == dir)
		w->list.dir = DIRTAB_NONE;
	tree_clear_polled(w, dir);
	tree_clear_failed(w, dir);
	backlog_leave(w, dir);
	tree_drop_watch(w, dir);
	dirtab_remove(&w->dirs, dir);
}

static void
forget_below(struct fm_watch *w, uint32_t top)
{
	uint32_t at = top, parent;

	for (;;) {
		while (get(w, at)->child != DIRTAB_NONE)
			at = get(w, at)->child;
		if (at == top)
			return;
		parent = get(w, at)->parent;
		forget_one(w, at);
		at = parent;
	}
}

void
tree_forget(struct fm_watch *w, uint32_t dir)
{
	forget_below(w, dir);
	if (dir != DIRTAB_ROOT)
		forget_one(w, dir);
}

/* Has the table's place for dir the inode that fd has? */
static bool
is_at_its_place(struct fm_watch *w, uint32_t dir, int fd)
{
	struct stat there, here;

	return path_stat(w, dir, NULL, 0, &there) == 0 && fstat(fd, &here) == 0 &&
	    there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* wd is what the kernel gave for the directory at dir's place: not dir's own. */
static int
set_watch(struct fm_watch *w, uint32_t dir, int wd, int fd)
{
	uint32_t other = dirtab_by_wd(&w->dirs, wd);
	bool twice = other != DIRTAB_NONE && is_at_its_place(w, other, fd);

	if (other != DIRTAB_NONE && !twice) {
		pairs_renumber(&w->relink.pairs, other, dir);
		dirtab_set_wd(&w->dirs, other, -1);
		tree_queue(w, other, FM_SCAN_REPAIR | DIR_RECURSE, false);
	}
	if (get(w, dir)->wd >= 0) {
		forget_below(w, dir);
		tree_drop_watch(w, dir);
	}
	if (twice) {
		/* a bind mount within the tree: only one of the places can have it */
		set_polled(w, dir, FM_CAUSE_WATCH_FAILED, EEXIST);
		return 0;
	}
	if (dirtab_set_wd(&w->dirs, dir, wd) == -1) {
		w->ops->unwatch(w, wd);
		errno = ENOMEM;
		return -1;
	}
	tree_clear_polled(w, dir);
	return 0;
}

static bool
is_limited(const struct fm_watch *w)
{
	return w->limit_hit ||
	    (w->o.max_watches != 0 && w->dirs.by_wd.used >= w->o.max_watches);
}

static void
not_watched(struct fm_watch *w, uint32_t dir, int error)
{
	if (error != ENOSPC) {
		set_polled(w, dir, FM_CAUSE_WATCH_FAILED, error);
		return;
	}
	w->limit_hit = true;
	/* Its own watch would not have needed another: it is not this inode's. */
	if (get(w, dir)->wd >= 0) {
		forget_below(w, dir);
		tree_drop_watch(w, dir);
	}
	set_polled(w, dir, FM_CAUSE_WATCH_LIMIT, ENOSPC);
}

/*
 * Is anything that happens to dir's path told?  Then it may be watched by its
 * path, at a third of the price of the way through /proc.
 */
static bool
is_path_safe(struct fm_watch *w, uint32_t dir, const struct path *path)
{
	uint32_t parent = get(w, dir)->parent;

	if (w->fan != NULL)
		return false;
	for (size_t i = 0; i < POLLED_COUNT; i++)
		if (w->polled[polled[i].cause] > 0)
			return false;
	return parent != DIRTAB_NONE && get(w, parent)->wd >= 0 && path->len < PATH_MAX &&
	    !(w->list.flags & FM_SCAN_REPAIR);
}

/* Is nothing left to be read?  Unlike to count it, it costs the same with much. */
static bool
is_all_read(const struct fm_watch *w)
{
	struct pollfd queue = { .fd = w->fd, .events = POLLIN };

	return poll(&queue, 1, 0) == 0;
}

/* Does the path lead to the directory that is being listed? */
static bool
is_path_of_listed(const struct fm_watch *w, const struct path *path)
{
	const struct stat *here = &w->list.st;
	struct stat there;

	return lstat(path->abs, &there) == 0 && there.st_dev == here->st_dev &&
	    there.st_ino == here->st_ino;
}

/* -1 also where a directory above was renamed, and another is at the path by now. */
static int
watch_by_path(struct fm_watch *w, const struct path *path)
{
	int wd = w->ops->watch_path(w, path->abs);

	if (wd == -1 || is_all_read(w) || is_path_of_listed(w, path))
		return wd;
	if (dirtab_by_wd(&w->dirs, wd) == DIRTAB_NONE)
		w->ops->unwatch(w, wd);
	return -1;
}

static int
add_watch(struct fm_watch *w, uint32_t dir, int fd, const struct path *path)
{
	int wd = is_path_safe(w, dir, path) ? watch_by_path(w, path) : -1;

	return wd != -1 ? wd : w->ops->watch_fd(w, fd, path->abs);
}

int
tree_watch(struct fm_watch *w, uint32_t dir, int fd, const struct path *path)
{
	int wd;

	if (w->backend == FM_BACKEND_POLL) {
		set_polled(w, dir, w->poll_cause, w->poll_error);
		return 0;
	}
	if (get(w, dir)->wd < 0 && is_limited(w)) {
		not_watched(w, dir, ENOSPC);
		return 0;
	}
	wd = add_watch(w, dir, fd, path);
	if (wd == -1)
		not_watched(w, dir, errno);
	else if (wd != get(w, dir)->wd)
		return set_watch(w, dir, wd, fd);
	else
		tree_clear_polled(w, dir);
	return 0;
}

/* Watches by path, so that it costs no descriptor; its listing makes sure. */
static int
watch_early(struct fm_watch *w, uint32_t dir)
{
	int wd;

	if (w->backend == FM_BACKEND_POLL || get(w, dir)->wd >= 0 || is_limited(w) ||
	    w->path.len >= PATH_MAX)
		return 0;
	wd = w->ops->watch_path(w, w->path.abs);
	if (wd == -1 || dirtab_by_wd(&w->dirs, wd) != DIRTAB_NONE)
		return 0;
	if (dirtab_set_wd(&w->dirs, dir, wd) == 0)
		return 0;
	w->ops->unwatch(w, wd);
	return -1;
}

void
tree_appeared(struct fm_watch *w, uint32_t dir, const struct notice *n, bool told)
{
	uint32_t child = dirtab_find(&w->dirs, dir, n->name, n->len);
	unsigned flags = FM_SCAN_FRESH | (child != DIRTAB_NONE ? DIR_RECURSE : 0);

	if (child != DIRTAB_NONE && told)
		return;
	if (child == DIRTAB_NONE)
		child = dirtab_add(&w->dirs, dir, n->name, n->len);
	if (child == DIRTAB_NONE || watch_early(w, child) == -1) {
		repair_all(w, FM_CAUSE_WATCH_FAILED, ENOMEM);
		return;
	}
	tree_queue(w, child, flags, true);
}
