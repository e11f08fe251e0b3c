/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * copy load PATH | copy remove PATH: a handler that mirrors $FILEMON_ROOT in
 * $MIRROR_TARGET, as contrib/handlers/mirror does, but quick: linked
 * statically, a millisecond a run.  75 where the path is not there any more.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 8192, AGAIN = 75 };

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static bool
clear(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return true;
	return nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH) == 0;
}

static bool
same_content(int from, int to)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return false;
	return n == 0;
}

static bool
copy_file(const char *src, const struct stat *st, const char *tmp)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int from = open(src, O_RDONLY | O_NOFOLLOW);
	int to = open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return from != -1 && to != -1 && same_content(from, to) &&
	    fchmod(to, st->st_mode & 07777) == 0 && futimens(to, times) == 0;
}

static bool
copy_link(const char *src, const char *tmp)
{
	char text[PATH_SIZE];
	ssize_t n = readlink(src, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 && symlink(text, tmp) == 0;
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
put_dir(const struct stat *st, const char *dst)
{
	if (!is_dir(dst) && (!clear(dst) || mkdir(dst, 0700) == -1))
		return false;
	return chmod(dst, st->st_mode & 07777) == 0;
}

static void
make_parents(char *path, size_t skip)
{
	for (char *p = path + skip; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

static bool
put(const char *src, const struct stat *st, const char *dst)
{
	char tmp[PATH_SIZE + 16];

	if (S_ISDIR(st->st_mode))
		return put_dir(st, dst);
	snprintf(tmp, sizeof(tmp), "%s.~copy", dst);
	if (!clear(tmp) ||
	    !(S_ISLNK(st->st_mode) ? copy_link(src, tmp) : copy_file(src, st, tmp)))
		return false;
	if (is_dir(dst) && !clear(dst))
		return false;
	return rename(tmp, dst) == 0;
}

int
main(int argc, char **argv)
{
	const char *root = getenv("FILEMON_ROOT"), *target = getenv("MIRROR_TARGET");
	char dst[PATH_SIZE], tmp[PATH_SIZE + 16];
	struct stat st;
	size_t len = root == NULL ? 0 : strlen(root);

	if (argc != 3 || target == NULL || len == 0 || strncmp(argv[2], root, len) != 0)
		return 64;
	umask(0);
	snprintf(dst, sizeof(dst), "%s%s", target, argv[2] + len);
	snprintf(tmp, sizeof(tmp), "%s.~copy", dst);
	if (strcmp(argv[1], "remove") == 0)
		return clear(dst) && clear(tmp) ? 0 : 1;
	make_parents(dst, strlen(target) + 1);
	if (lstat(argv[2], &st) == -1)
		return AGAIN;
	return put(argv[2], &st, dst) ? 0 : AGAIN;
}
