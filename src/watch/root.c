/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "watch/watch_priv.h"

/* File systems where others make changes that inotify does not tell, or that
   make up what they show; statfs(2), linux/magic.h and the kernel's sources. */
static const struct {
	uint32_t type;
	const char *name;
} untold[] = {
	{ 0x00006969, "nfs" },
	{ 0x0000517b, "smb" },
	{ 0xff534d42, "cifs" },
	{ 0xfe534d42, "smb2" },
	{ 0x01021997, "9p" },
	{ 0x65735546, "fuse" },
	{ 0x5346414f, "afs" },
	{ 0x6b414653, "afs" },
	{ 0x73757245, "coda" },
	{ 0x00c36400, "ceph" },
	{ 0x0bd00bd0, "lustre" },
	{ 0x01161970, "gfs2" },
	{ 0x7461636f, "ocfs2" },
	{ 0x786f4256, "vboxsf" },
	{ 0x00009fa0, "proc" },
	{ 0x62656572, "sysfs" },
	{ 0x0027e0eb, "cgroup" },
	{ 0x63677270, "cgroup2" },
};

static const char *
untold_name(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) == -1)
		return NULL;
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++)
		if (untold[i].type == (uint32_t)fs.f_type)
			return untold[i].name;
	return NULL;
}

static int
set_prefix(struct fm_watch *w, char *real)
{
	size_t len = strlen(real);
	char *prefix = realloc(real, len + 2);

	if (prefix == NULL) {
		free(real);
		return -1;
	}
	if (prefix[len - 1] != '/')
		prefix[len++] = '/';
	prefix[len] = '\0';
	free(w->prefix);
	w->prefix = prefix;
	w->prefix_len = len;
	w->dirs.version++;
	return 0;
}

int
root_find(struct fm_watch *w)
{
	char *real = realpath(w->root, NULL);
	struct stat st;
	int found;

	if (real == NULL)
		return -1;
	found = stat(real, &st);
	if (found == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		found = -1;
	}
	if (found == 0 && w->o.accept_root != NULL && !w->o.accept_root(w->o.ctx, &st)) {
		errno = ESTALE;
		found = -1;
	}
	if (found == -1) {
		free(real);
		return -1;
	}
	if (set_prefix(w, real) == -1)
		return -1;
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	return 0;
}

void
root_choose(struct fm_watch *w)
{
	const char *name = w->prefix == NULL ? NULL : untold_name(w->prefix);

	if (w->o.backend == FM_BACKEND_POLL) {
		w->why = "asked for";
		w->poll_cause = FM_CAUSE_BACKEND;
	} else if (w->o.backend == FM_BACKEND_AUTO && name != NULL) {
		w->why = name;
		w->poll_cause = FM_CAUSE_BACKEND;
	} else if (w->fd != -1) {
		w->why = w->o.backend == FM_BACKEND_AUTO ? "inotify" : "asked for";
		w->poll_cause = FM_CAUSE_NONE;
	} else {
		w->why = "inotify failed";
		w->poll_cause = FM_CAUSE_WATCH_FAILED;
	}
	if (w->refused != NULL)
		w->why = w->refused;
	w->backend = w->poll_cause == FM_CAUSE_NONE ? w->ops->id : FM_BACKEND_POLL;
}

/* A new, small table; the old one, where memory is out. */
static void
start_over(struct fm_watch *w)
{
	uint64_t version = w->dirs.version + 1;
	struct dirtab dirs;

	while (dirtab_take(&w->dirs) != DIRTAB_NONE)
		continue;
	w->dirs.dirs[DIRTAB_ROOT].flags = 0;
	if (dirtab_init(&dirs) == 0) {
		dirtab_release(&w->dirs);
		w->dirs = dirs;
	}
	w->dirs.version = version;
}

void
root_lost(struct fm_watch *w)
{
	if (w->gone)
		return;
	listing_abort(w, ENOENT);
	ladder_clear(&w->ladder);
	rename_flush_all(w);
	relink_drop(w, INT64_MAX);
	w->relink.pairs.n = 0;
	tree_forget(w, DIRTAB_ROOT);
	tree_clear_polled(w, DIRTAB_ROOT);
	tree_clear_failed(w, DIRTAB_ROOT);
	backlog_leave(w, DIRTAB_ROOT);
	tree_drop_watch(w, DIRTAB_ROOT);
	w->ops->leave_root(w);
	start_over(w);
	fresh_release(&w->fresh);
	w->repair = (struct backoff){ 0, -1 };
	w->lost_all = false;
	w->lost_ms = -1;
	w->gone = true;
	w->root_look = (struct backoff){ 0, watch_now() };
	tell_state(w, FM_ROOT_GONE, FM_CAUSE_NONE, 0);
}

void
root_tick(struct fm_watch *w, int64_t now)
{
	struct backoff *look = &w->root_look;

	if (now < look->due)
		return;
	if (root_find(w) == 0) {
		w->gone = false;
		root_choose(w);
		tell_state(w, FM_ROOT_BACK, FM_CAUSE_NONE, 0);
		tree_queue(w, DIRTAB_ROOT, FM_SCAN_REPAIR | DIR_RECURSE, false);
		return;
	}
	look->wait = look->wait == 0 ? ROOT_LOOK_MIN_MS : look->wait * 2;
	if (look->wait > ROOT_LOOK_MAX_MS)
		look->wait = ROOT_LOOK_MAX_MS;
	look->due = now + look->wait;
}

bool
fm_watch_root_gone(const struct fm_watch *w)
{
	return w->gone;
}

bool
fm_watch_root_same(const struct fm_watch *w)
{
	struct stat st;

	if (w->gone)
		return false;
	if (stat(w->root, &st) == 0)
		return st.st_dev == w->dev && st.st_ino == w->ino;
	/* could not look is not gone */
	return errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
}
