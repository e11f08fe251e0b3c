/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"

#define POLL_INTERVAL_MS 2000
#define RENAME_WAIT_MS 10

int64_t
watch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A root that cannot be read is said now, not at the first step. */
static int
check_root(struct fm_watch *w)
{
	int fd;

	if (path_set(w, &w->path, DIRTAB_ROOT, NULL, 0) == -1 ||
	    (fd = ladder_open(w, &w->path, O_RDONLY)) == -1)
		return -1;
	close(fd);
	return 0;
}

/* Where it is refused, what AUTO would choose does as well. */
static void
try_fanotify(struct fm_watch *w)
{
	w->ops = &fanotify_backend;
	if (w->ops->open(w) != -1)
		return;
	w->refused = fanotify_reason(errno);
	w->ops = &inotify_backend;
	w->o.backend = FM_BACKEND_AUTO;
}

static int
open_backend(struct fm_watch *w)
{
	if (w->o.backend == FM_BACKEND_FANOTIFY)
		try_fanotify(w);
	root_choose(w);
	if (w->fd != -1)
		return 0;
	if (w->poll_cause == FM_CAUSE_BACKEND)
		return 0;
	w->fd = w->ops->open(w);
	w->poll_error = w->fd == -1 ? errno : 0;
	if (w->fd == -1 && w->o.backend == FM_BACKEND_INOTIFY)
		return -1;
	root_choose(w);
	return 0;
}

static void
set_options(struct fm_watch *w, const struct fm_options *o)
{
	w->o = *o;
	w->o.root = w->root;
	if (w->o.poll_interval_ms <= 0)
		w->o.poll_interval_ms = POLL_INTERVAL_MS;
	if (w->o.rename_wait_ms <= 0)
		w->o.rename_wait_ms = RENAME_WAIT_MS;
}

struct fm_watch *
watch_make(const struct fm_options *o)
{
	struct fm_watch *w;

	if (o->root == NULL || o->root[0] != '/' || o->on_event == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->fd = -1;
	listing_init(&w->list);
	w->ops = &inotify_backend;
	w->who = (struct who){ 0, -1 };
	w->lost_ms = w->poll_due = w->repair.due = -1;
	w->retry = (struct backoff){ RETRY_MIN_MS, -1 };
	if ((w->buf = malloc(WATCH_BUFFER)) == NULL ||
	    (w->root = strdup(o->root)) == NULL || dirtab_init(&w->dirs) == -1) {
		fm_watch_free(w);
		return NULL;
	}
	set_options(w, o);
	return w;
}

struct fm_watch *
fm_watch_new(const struct fm_options *o)
{
	struct fm_watch *w = watch_make(o);

	if (w == NULL)
		return NULL;
	w->gone = root_find(w) == -1;
	if (w->gone && errno != ESTALE)
		goto fail;
	if ((!w->gone && check_root(w) == -1) || open_backend(w) == -1)
		goto fail;
	if (w->gone)
		w->root_look = (struct backoff){ 0, watch_now() };
	else if (!w->lazy)
		tree_queue(w, DIRTAB_ROOT, FM_SCAN_ASKED | DIR_RECURSE, false);
	return w;
fail:
	fm_watch_free(w);
	return NULL;
}

void
fm_watch_free(struct fm_watch *w)
{
	int error = errno;

	if (w == NULL)
		return;
	w->ops->close(w);
	ladder_clear(&w->ladder);
	mounts_forget(&w->mounts);
	listing_release(&w->list);
	fresh_release(&w->fresh);
	path_release(&w->path);
	path_release(&w->second);
	dirtab_release(&w->dirs);
	free(w->buf);
	free(w->prefix);
	free(w->root);
	free(w);
	errno = error;
}

int
fm_watch_fd(const struct fm_watch *w)
{
	return w->fd;
}

static void
repair_starved(struct fm_watch *w)
{
	if (!w->starved)
		return;
	w->starved = false;
	repair_all(w, FM_CAUSE_WATCH_FAILED, ENOMEM);
}

/* Where nothing waits to be listed: what was removed meanwhile gives its number
   back, and no directory is held open. */
static void
rest(struct fm_watch *w)
{
	if (w->busy || fm_watch_scanning(w))
		return;
	dirtab_take(&w->dirs);
	ladder_clear(&w->ladder);
}

int
fm_watch_read(struct fm_watch *w)
{
	int more;

	if (w->busy)
		return 0;
	more = w->ops->take(w);
	repair_starved(w);
	rest(w);
	return more;
}

size_t
fm_watch_unread(const struct fm_watch *w)
{
	return w->ops->unread(w);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}

/* Not by time where reading comes first. */
static int64_t
half_due(const struct fm_watch *w)
{
	return rename_is_cut(w) ? -1 : rename_due(w);
}

int64_t
fm_watch_due(const struct fm_watch *w)
{
	if (w->gone)
		return w->root_look.due;
	if (w->starved)
		return 0;
	return sooner(half_due(w), sooner(relink_due(w), repair_due(w)));
}

void
fm_watch_tick(struct fm_watch *w, int64_t now_ms)
{
	if (w->busy)
		return;
	if (w->gone) {
		root_tick(w, now_ms);
		return;
	}
	if (!rename_is_cut(w))
		rename_tick(w, now_ms);
	relink_drop(w, now_ms);
	repair_starved(w);
	repair_tick(w, now_ms);
	rest(w);
}

bool
fm_watch_scanning(const struct fm_watch *w)
{
	return !w->gone && (w->list.fd != -1 || w->dirs.queued > 0);
}

bool
fm_watch_step(struct fm_watch *w, unsigned max)
{
	if (!w->busy && !w->gone)
		listing_step(w, max);
	if (fm_watch_scanning(w))
		return true;
	rest(w);
	mounts_forget(&w->mounts);
	return false;
}

int
fm_watch_scan(struct fm_watch *w, const char *path, bool recursive)
{
	uint32_t dir =
	    w->gone ? DIRTAB_NONE : dirtab_lookup(&w->dirs, path, strlen(path));

	if (dir == DIRTAB_NONE) {
		errno = ENOENT;
		return -1;
	}
	tree_queue(w, dir, FM_SCAN_ASKED | (recursive ? DIR_RECURSE : 0), false);
	return 0;
}

void
fm_watch_refilter(struct fm_watch *w)
{
	if (w->lazy && !w->gone) {
		tree_forget(w, DIRTAB_ROOT);
		memset(w->fan->elsewhere, 0, sizeof(w->fan->elsewhere));
	} else {
		fm_watch_scan(w, "", true);
	}
}

enum fm_backend
fm_watch_backend(const struct fm_watch *w)
{
	return w->backend;
}

void
fm_watch_stats(const struct fm_watch *w, struct fm_stats *stats)
{
	*stats = (struct fm_stats){
		.backend = w->backend,
		.why = w->why,
		.dirs = w->gone ? 0 : w->dirs.live,
		.watches = w->dirs.by_wd.used,
		.events = w->events,
		.elsewhere = w->elsewhere,
		.overflows = w->overflows,
		.unknown = w->unknown,
		.listed = w->listed,
		.postponed = w->backlog.dirs + (w->list.fd != -1 && w->list.postponed),
		.skipped = w->backlog.total,
		.failed = w->failed,
		.limited = w->polled[FM_CAUSE_WATCH_LIMIT],
		.held = w->repair.due != -1 || rename_due(w) != -1,
		.to_list = w->gone ? 0 : w->dirs.queued + (w->list.fd != -1),
	};
	for (size_t i = 0; i < sizeof(w->polled) / sizeof(w->polled[0]); i++)
		stats->polled += w->polled[i];
	stats->memory = sizeof(*w) + WATCH_BUFFER + dirtab_memory(&w->dirs) +
	    listing_memory(&w->list) + fresh_memory(&w->fresh) + fanotify_memory(w) +
	    w->path.cap + w->second.cap + w->mounts.len;
}

static const char *const kinds[] = {
	[FM_CREATED] = "created",
	[FM_WRITTEN] = "written",
	[FM_ATTRIB] = "attrib",
	[FM_DELETED] = "deleted",
	[FM_RENAMED] = "renamed",
	[FM_LIST_BEGIN] = "list-begin",
	[FM_LIST_ENTRY] = "list-entry",
	[FM_LIST_END] = "list-end",
	[FM_LIST_FAILED] = "list-failed",
	[FM_DIRTY] = "dirty",
	[FM_ROOT_GONE] = "root-gone",
	[FM_ROOT_BACK] = "root-back",
	[FM_DEGRADED] = "degraded",
	[FM_RESTORED] = "restored",
};

static const char *const causes[] = {
	[FM_CAUSE_NONE] = "none",
	[FM_CAUSE_OVERFLOW] = "overflow",
	[FM_CAUSE_WATCH_LIMIT] = "watch-limit",
	[FM_CAUSE_WATCH_FAILED] = "watch-failed",
	[FM_CAUSE_BACKEND] = "backend",
	[FM_CAUSE_REPLACED] = "replaced",
	[FM_CAUSE_BACKLOG] = "backlog",
};

static const char *const backends[] = {
	[FM_BACKEND_AUTO] = "auto",
	[FM_BACKEND_INOTIFY] = "inotify",
	[FM_BACKEND_FANOTIFY] = "fanotify",
	[FM_BACKEND_POLL] = "poll",
};

static const char *
name_in(const char *const *names, size_t count, unsigned i)
{
	return i < count ? names[i] : "unknown";
}

const char *
fm_kind_name(enum fm_kind kind)
{
	return name_in(kinds, sizeof(kinds) / sizeof(kinds[0]), kind);
}

const char *
fm_cause_name(enum fm_cause cause)
{
	return name_in(causes, sizeof(causes) / sizeof(causes[0]), cause);
}

const char *
fm_backend_name(enum fm_backend backend)
{
	return name_in(backends, sizeof(backends) / sizeof(backends[0]), backend);
}
