/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_WATCH_PRIV_H
#define FILEMON_WATCH_WATCH_PRIV_H

/*
 * What the files of libfilemon share: the watch itself, telling, and the
 * changes to the table of directories that concern kernel watches too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>

#include "filemon/watch.h"
#include "watch/backend.h"
#include "watch/backlog.h"
#include "watch/dirtab.h"
#include "watch/fanotify.h"
#include "watch/fresh.h"
#include "watch/inotify.h"
#include "watch/ladder.h"
#include "watch/listing.h"
#include "watch/mounts.h"
#include "watch/notice.h"
#include "watch/path.h"
#include "watch/relink.h"
#include "watch/rename.h"

#define WATCH_BUFFER 65536
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define REPAIR_MIN_MS 1000
#define REPAIR_MAX_MS 30000
#define REPAIR_SOME_MIN_MS 250 /* of what was postponed alone */
#define REPAIR_SOME_MAX_MS 4000
#define REPAIR_CALM_MS 50 /* with fewer notifications than: */
#define REPAIR_CALM_EVENTS 500
#define ROOT_LOOK_MIN_MS 100
#define ROOT_LOOK_MAX_MS 2000

/* A time to wait that doubles up to a limit. */
struct backoff {
	int64_t wait, due; /* due -1: nothing is waited for */
};

/* Whose doing is what is being told; pid 0: not known. */
struct who {
	int pid, pidfd;
};

struct fm_watch {
	struct fm_options o; /* root is our own copy */
	char *root;	     /* as given; may be a symbolic link */
	char *prefix;	     /* what it resolved to, with a slash at its end */
	size_t prefix_len;
	dev_t dev; /* of the root being watched */
	ino_t ino;
	int fd;			   /* what is waited for; -1: none */
	const struct backend *ops; /* how the kernel is asked, where it is */
	struct fanotify *fan;	   /* NULL: another backend */
	enum fm_backend backend;
	const char *why, *refused; /* refused: why it is not what was asked for */
	enum fm_cause poll_cause;  /* of polling everything, with its errno */
	int poll_error;
	bool busy;		     /* within on_event */
	unsigned long listed_before; /* when the queue was last empty */
	bool lazy; /* directories are learned of when something happens in them */
	bool gone;
	bool no_proc;
	bool starved;	/* memory was out, and something could not be told */
	bool limit_hit; /* no watch was to be had; not tried again until the next poll */
	struct dirtab dirs;
	struct listing list;
	struct ladder ladder;
	struct mounts mounts;
	struct fresh fresh;
	struct rename rename;
	struct relink relink;
	struct backlog backlog;
	struct path path, second;
	uint64_t read_bytes;
	struct who who;
	unsigned long events, elsewhere, overflows, unknown, listed;
	unsigned long polled[FM_CAUSE_REPLACED + 1]; /* by cause */
	bool degraded[FM_CAUSE_REPLACED + 1];	     /* told so */
	unsigned long failed, retries; /* directories with DIR_FAILED, DIR_RETRY */
	struct backoff root_look, retry, repair;
	bool lost_all;	       /* everything is to be repaired, not what is postponed */
	int64_t lost_ms;       /* the last loss; -1: none */
	int64_t repair_latest; /* of the one that waits for calm */
	unsigned long events_before; /* at the last look for calm */
	int64_t poll_due;
	char *buf; /* WATCH_BUFFER bytes, of which a quiet tree needs few */
};

/* watch.c */
int64_t watch_now(void);
/* With its options, and nothing opened; NULL with errno. */
struct fm_watch *watch_make(const struct fm_options *);

/* tell.c: calls on_event */
bool tell_wanted(struct fm_watch *, const struct path *, bool is_dir);
/* Adds path and name to the event. */
void tell_event(struct fm_watch *, struct fm_event *, const char *path, size_t len);
void tell_kind(struct fm_watch *, enum fm_kind, const struct path *, bool is_dir);
void tell_dirty(struct fm_watch *, const struct path *, enum fm_cause);
/* about the watch itself, path "" */
void tell_state(struct fm_watch *, enum fm_kind, enum fm_cause, int error);

/* tree.c */
/* Forgets dir and all below with their watches; of the root, what is below. */
void tree_forget(struct fm_watch *, uint32_t dir);
/* flags: enum fm_scan and DIR_RECURSE */
void tree_queue(struct fm_watch *, uint32_t dir, unsigned flags, bool front);
void tree_queue_all(struct fm_watch *, uint32_t having, unsigned flags);
/* Watches dir, open as fd, whose path is path; polls it where that fails. -1: ENOMEM */
int tree_watch(struct fm_watch *, uint32_t dir, int fd, const struct path *path);
/* A directory appeared by an event, told already or not; w->path is its path. */
void tree_appeared(struct fm_watch *, uint32_t dir, const struct notice *, bool told);
void tree_drop_watch(struct fm_watch *, uint32_t dir);
void tree_clear_polled(struct fm_watch *, uint32_t dir);
/* Notes that dir could not be listed; retry: time may mend it. */
void tree_failed(struct fm_watch *, uint32_t dir, bool retry);
void tree_clear_failed(struct fm_watch *, uint32_t dir);
/* Of top and all below it, those that could not be listed: they may be by now. */
void tree_queue_failed(struct fm_watch *, uint32_t top);

/* root.c */
/* Resolves the root; -1 with errno where there is no directory. */
int root_find(struct fm_watch *);
void root_choose(struct fm_watch *); /* backend and why, by the file system */
void root_lost(struct fm_watch *);
void root_tick(struct fm_watch *, int64_t now);

/* repair.c: looking again after a loss, and when time has come */
/* Notifications were lost: everything is dirty. */
void repair_all(struct fm_watch *, enum fm_cause, int error);
/* A directory was postponed: it is dirty. */
void repair_postponed(struct fm_watch *);
void repair_tick(struct fm_watch *, int64_t now);
int64_t repair_due(const struct fm_watch *);

#endif
