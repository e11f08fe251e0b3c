/* SPDX-License-Identifier: ISC */
#include "watcher/witness.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "policy/settle.h"
#include "state/sig.h"
#include "watcher/dispatch.h"
#include "watcher/reconcile.h"
#include "watcher/watcher_priv.h"

#define NS_PER_MS INT64_C(1000000)
/* Two ticks of the kernel's coarse clock; adjtimex(2) slews by 0.05 %. */
#define STEP_MS 20
#define SLEW_SHARE 2000

/* File systems that put the time of a rename into the ctime of what is renamed;
   rename(2) leaves it open, and FAT does not. */
static const unsigned long renames_show[] = {
	EXT4_SUPER_MAGIC, /* ext2 and ext3, too */
	XFS_SUPER_MAGIC,
	BTRFS_SUPER_MAGIC,
	F2FS_SUPER_MAGIC,
	TMPFS_MAGIC,
	OVERLAYFS_SUPER_MAGIC,
};

/* The length of the directory's part of path; 0: it is in the root. */
static size_t
dir_len(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len == 0 ? 0 : len - 1;
}

uint64_t
witness_chain(struct watcher *w, const struct root *root, const char *path)
{
	uint64_t hash = 1;
	size_t len = strlen(path);
	struct stat st;

	for (;; len = dir_len(path, len)) {
		memset(&st, 0, sizeof(st));
		fd_lstatat(AT_FDCWD, watcher_abs(w, root, path, len), &st);
		hash = hash * 1099511628211ULL + st.st_ino;
		hash = hash * 1099511628211ULL + (uint64_t)st.st_ctim.tv_sec;
		hash = hash * 1099511628211ULL + (uint64_t)st.st_ctim.tv_nsec;
		if (len == 0)
			return hash;
	}
}

static bool
is_same(struct watcher *w, const struct job *job, struct stat *st)
{
	struct sig sig;

	if (reconcile_presence(w, job->root, job->path, strlen(job->path), st) !=
	    PRESENCE_PRESENT)
		return false;
	sig_from_stat(&sig, st);
	return sig_hash(&sig) == job->sig;
}

bool
witness_chain_same(struct watcher *w, const struct job *job)
{
	struct stat st;

	return is_same(w, job, &st) &&
	    witness_chain(w, job->root, job->path) == job->chain;
}

static bool
shows_renames(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) == -1)
		return false;
	for (size_t i = 0; i < COUNTOF(renames_show); i++)
		if ((unsigned long)fs.f_type == renames_show[i])
			return true;
	return false;
}

bool
witness_is_older(const struct stat *st, const struct witness_times *times)
{
	int64_t mono = times->mono_ms - times->from_mono_ms;
	int64_t wall = (times->wall_ns - times->from_wall_ns) / NS_PER_MS;
	int64_t step = wall > mono ? wall - mono : mono - wall;
	int64_t ctime;

	if (step > STEP_MS + mono / SLEW_SHARE ||
	    __builtin_mul_overflow((int64_t)st->st_ctim.tv_sec, 1000 * NS_PER_MS, &ctime))
		return false;
	return ctime + st->st_ctim.tv_nsec < times->from_wall_ns &&
	    settle_unsure_ms(st, times->from_wall_ns) == 0;
}

/*
 * Whatever happens to a file or its name is in its ctime.  The directory it is in
 * is the same one unless its own name was touched, and that is in the ctime of the
 * directory above.  What its own says is of no interest: other children come and go.
 * (A path that is a directory has no times in its signature.)
 */
bool
witness_untouched(struct watcher *w, const struct job *job)
{
	struct witness_times times = {
		.from_wall_ns = job->looked_wall_ns,
		.from_mono_ms = job->looked_ms,
		.wall_ns = clk_wall_ns(),
		.mono_ms = clk_mono_ms(),
	};
	size_t len = dir_len(job->path, strlen(job->path));
	struct stat st;

	if (job->command != WIRE_LOAD || job->unsure || !is_same(w, job, &st) ||
	    S_ISDIR(st.st_mode) ||
	    !shows_renames(watcher_abs(w, job->root, job->path, strlen(job->path))))
		return false;
	while (len > 0) {
		len = dir_len(job->path, len);
		if (fd_lstatat(
			AT_FDCWD, watcher_abs(w, job->root, job->path, len), &st) == -1 ||
		    !witness_is_older(&st, &times))
			return false;
	}
	return true;
}
