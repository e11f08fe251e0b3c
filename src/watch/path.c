/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

int
path_stat(struct fm_watch *w, uint32_t dir, const char *name, size_t len, struct stat *st)
{
	struct path *p = &w->second;
	int fd, r;

	if (path_set(w, p, dir, name, len) == -1)
		return -1;
	if (p->len < PATH_MAX)
		return lstat(p->abs, st);
	if (path_set(w, p, dir, NULL, 0) == -1 || (fd = ladder_open(w, p, O_PATH)) == -1)
		return -1;
	if (name == NULL)
		r = fstat(fd, st);
	else if ((r = path_set(w, p, dir, name, len)) == 0)
		r = fstatat(fd, p->abs + p->len - len, st, AT_SYMLINK_NOFOLLOW);
	close(fd);
	ladder_rest(w);
	return r;
}
