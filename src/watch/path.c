/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watch/watch_priv.h"

static int
reserve(struct fm_watch *w, struct path *p, size_t cap)
{
	char *abs;

	if (cap <= p->cap)
		return 0;
	cap += cap / 4 + 256;
	if ((abs = realloc(p->abs, cap)) == NULL) {
		w->starved = true;
		return -1;
	}
	p->abs = abs;
	p->cap = cap;
	return 0;
}

static int
set_dir(struct fm_watch *w, struct path *p, uint32_t dir)
{
	size_t len = w->prefix_len + dirtab_path_len(&w->dirs, dir);

	p->version = 0;
	if (dirtab_top(&w->dirs, dir) != DIRTAB_ROOT) {
		errno = ENOENT;
		return -1;
	}
	if (reserve(w, p, len + 1) == -1)
		return -1;
	memcpy(p->abs, w->prefix, w->prefix_len);
	dirtab_path(&w->dirs, dir, p->abs + w->prefix_len);
	p->prefix_len = w->prefix_len;
	p->dir_len = len;
	p->dir = dir;
	p->version = w->dirs.version;
	return 0;
}

int
path_set(struct fm_watch *w, struct path *p, uint32_t dir, const char *name, size_t len)
{
	if ((p->version != w->dirs.version || p->dir != dir) && set_dir(w, p, dir) == -1)
		return -1;
	if (reserve(w, p, p->dir_len + len + 2) == -1)
		return -1;
	p->len = p->dir_len;
	if (name != NULL) {
		if (dir != DIRTAB_ROOT)
			p->abs[p->len++] = '/';
		memcpy(p->abs + p->len, name, len);
		p->len += len;
	}
	p->abs[p->len] = '\0';
	return 0;
}

void
path_release(struct path *p)
{
	free(p->abs);
	*p = (struct path){ 0 };
}

const char *
path_rel(const struct path *p)
{
	return p->abs + p->prefix_len;
}

size_t
path_rel_len(const struct path *p)
{
	return p->len - p->prefix_len;
}

/*
 * How much of the rest of a path to open in one go.  openat2(2) (5.6) refuses
 * symbolic links in the middle, so only PATH_MAX counts; without it every
 * component is opened on its own, below the root, which was resolved.
 */
static size_t
piece_of(const struct fm_watch *w, const struct path *p, const char *rest)
{
	size_t left = p->len - (size_t)(rest - p->abs);
	const char *slash;

	if (!w->no_openat2) {
		if (left < PATH_MAX)
			return left;
		slash = memrchr(rest, '/', PATH_MAX - 1);
		return slash == NULL ? left : (size_t)(slash + 1 - rest);
	}
	if (rest == p->abs)
		return p->prefix_len;
	slash = memchr(rest, '/', left);
	return slash == NULL ? left : (size_t)(slash + 1 - rest);
}

static int
open_piece(struct fm_watch *w, int at, char *piece, int flags)
{
	struct open_how how = { .resolve = RESOLVE_NO_SYMLINKS };
	size_t len = strlen(piece);

	how.flags = (uint64_t)(flags |= O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!w->no_openat2)
		return (int)syscall(SYS_openat2, at, piece, &how, sizeof(how));
	/* "name/" would follow a symbolic link in spite of O_NOFOLLOW */
	if (len > 1 && piece[len - 1] == '/')
		piece[len - 1] = '\0';
	return openat(at, piece, flags);
}

/* Opens the next piece of the rest below at, which is closed. */
static int
open_next(struct fm_watch *w, const struct path *p, int at, const char **rest, int flags)
{
	char piece[PATH_MAX];
	size_t len;
	int fd, error;

	do {
		len = piece_of(w, p, *rest);
		if (len >= sizeof(piece)) {
			errno = ENAMETOOLONG;
			fd = -1;
			break;
		}
		memcpy(piece, *rest, len);
		piece[len] = '\0';
		fd = open_piece(
		    w, at, piece, *rest + len == p->abs + p->len ? flags : O_PATH);
		/* an old kernel, or a seccomp filter that does not know openat2 */
	} while (fd == -1 && !w->no_openat2 && (errno == ENOSYS || errno == EPERM) &&
	    (w->no_openat2 = true));
	error = errno;
	if (at != AT_FDCWD)
		close(at);
	errno = error;
	*rest += len;
	return fd;
}

int
path_open(struct fm_watch *w, const struct path *p, int flags)
{
	const char *rest = p->abs;
	int fd = AT_FDCWD;

	do {
		fd = open_next(w, p, fd, &rest, flags);
	} while (fd != -1 && rest < p->abs + p->len);
	return fd;
}

int
path_stat(struct fm_watch *w, uint32_t dir, const char *name, size_t len, struct stat *st)
{
	struct path *p = &w->second;
	int fd, r;

	if (path_set(w, p, dir, name, len) == -1)
		return -1;
	if (p->len < PATH_MAX)
		return lstat(p->abs, st);
	if (path_set(w, p, dir, NULL, 0) == -1 || (fd = path_open(w, p, O_PATH)) == -1)
		return -1;
	if (name == NULL)
		r = fstat(fd, st);
	else if ((r = path_set(w, p, dir, name, len)) == 0)
		r = fstatat(fd, p->abs + p->len - len, st, AT_SYMLINK_NOFOLLOW);
	close(fd);
	return r;
}
