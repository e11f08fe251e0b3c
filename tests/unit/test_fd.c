/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define NAME "a_directory_with_a_name_that_is_not_exactly_short"
#define DEPTH 200 /* times NAME: some 10,000 bytes */

static char dir[] = "/tmp/filemon-fd.XXXXXX";
static int root = -1;

static void
enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(root, -1);
}

/* By descriptors: nftw(3) ends at PATH_MAX.  Takes fd. */
static void
empty(int fd)
{
	DIR *d = fdopendir(fd);
	for (struct dirent *e; (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0)
			continue;
		empty(openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
		unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

static void
leave(void)
{
	empty(root);
	rmdir(dir);
}

static char *
in(const char *name)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
}

/* NAME/NAME/.../file, where the component at link_at is a symbolic link to a
   directory that has the rest.  The caller frees. */
static char *
make_deep(int link_at)
{
	char *path = calloc(1, DEPTH * sizeof(NAME "/") + sizeof("file"));
	int at = dup(root);
	for (int i = 0; i < DEPTH; i++) {
		const char *name = i == link_at ? "real" : NAME;
		ck_assert_int_eq(mkdirat(at, name, 0755), 0);
		if (i == link_at)
			ck_assert_int_eq(symlinkat(name, at, NAME), 0);
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
		memcpy(path + i * (int)sizeof(NAME), NAME "/", sizeof(NAME));
	}
	int fd = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(fd_write_all(fd, "deep", 4), 0);
	ck_assert_int_eq(symlinkat("file", at, "link"), 0);
	close(fd);
	close(at);
	memcpy(path + DEPTH * sizeof(NAME), "file", sizeof("file"));
	return path;
}

static int
open_fds(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(close_keeps_errno_and_marks_what_is_closed)
{
	int fd = dup(0);
	ck_assert_int_ne(fd, -1);
	int number = fd;
	errno = ENOSPC;
	fd_close(&fd);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
	errno = ENOSPC;
	fd_close(&fd);
	ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

static void *
read_all(void *arg)
{
	size_t *total = arg;
	char junk[5000];
	ssize_t n;
	while ((n = read((int)total[1], junk, sizeof(junk))) > 0)
		total[0] += (size_t)n;
	return NULL;
}

START_TEST(write_all_writes_all_to_a_full_nonblocking_pipe)
{
	enum { SIZE = 1 << 20 };
	int fds[2];
	pthread_t reader;
	char *text = calloc(1, SIZE);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_nonblock(fds[1]), 0);
	ck_assert_int_eq(fd_nonblock(fds[1]), 0);
	size_t total[2] = { 0, (size_t)fds[0] };
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, total), 0);
	ck_assert_int_eq(fd_write_all(fds[1], text, SIZE), 0);
	fd_close(&fds[1]);
	pthread_join(reader, NULL);
	ck_assert_uint_eq(total[0], SIZE);
	fd_close(&fds[0]);
	free(text);
	ck_assert_int_eq(fd_write_all(-1, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(a_file_is_read_up_to_its_bound)
{
	enter();
	char text[10001];
	size_t len = 0;
	memset(text, 'x', 10000);
	text[10000] = '\0';
	put("f", text);
	put("empty", "");
	char *got = fd_read_file(in("f"), 10000, &len);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(len, 10000);
	ck_assert_str_eq(got, text);
	free(got);
	ck_assert_ptr_null(fd_read_file(in("f"), 9999, &len));
	ck_assert_int_eq(errno, EFBIG);
	got = fd_read_file(in("empty"), 0, NULL);
	ck_assert_str_eq(got, "");
	free(got);
	ck_assert_ptr_null(fd_read_file(in("none"), 10, &len));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(fd_read_file(dir, 10, &len));
	ck_assert_int_eq(errno, EISDIR);
	/* /proc says that its files have 0 bytes. */
	got = fd_read_file("/proc/self/status", 100000, &len);
	ck_assert_uint_gt(len, 100);
	free(got);
	leave();
}
END_TEST

START_TEST(reading_a_fifo_does_not_hang)
{
	enter();
	ck_assert_int_eq(mkfifoat(root, "fifo", 0600), 0);
	char *got = fd_read_file(in("fifo"), 10, NULL);
	ck_assert_str_eq(got, "");
	free(got);
	leave();
}
END_TEST

START_TEST(a_replaced_file_has_its_mode_and_leaves_nothing_beside_it)
{
	struct stat before, after;
	enter();
	put("f", "old");
	ck_assert_int_eq(fstatat(root, "f", &before, 0), 0);
	ck_assert_int_eq(fd_write_atomic(in("f"), "new text", 8, 0640), 0);
	ck_assert_int_eq(fstatat(root, "f", &after, 0), 0);
	ck_assert_uint_eq(after.st_mode & 07777, 0640);
	ck_assert(before.st_ino != after.st_ino);
	char *got = fd_read_file(in("f"), 100, NULL);
	ck_assert_str_eq(got, "new text");
	free(got);
	/* A directory cannot be replaced: the temporary file must not stay. */
	ck_assert_int_eq(mkdirat(root, "d", 0755), 0);
	ck_assert_int_eq(fd_write_atomic(in("d"), "x", 1, 0644), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(unlinkat(root, "d", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(root, "f", 0), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(fd_write_atomic(in("f"), "x", 1, 0644), -1);
	ck_assert_int_eq(errno, ENOENT);
	close(root);
}
END_TEST

START_TEST(a_path_longer_than_path_max_is_reached)
{
	struct stat st;
	char got[8] = "";
	enter();
	char *path = make_deep(-1);
	int fds = open_fds();
	ck_assert_uint_gt(strlen(path), 2 * PATH_MAX);
	ck_assert_int_eq(fd_lstatat(root, path, &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	int fd = fd_openat(root, path, O_RDONLY);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(read(fd, got, sizeof(got)), 4);
	ck_assert_str_eq(got, "deep");
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	memcpy(strrchr(path, '/'), "/link", sizeof("/link"));
	ck_assert_int_eq(fd_lstatat(root, path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(fd_openat(root, path, O_RDONLY | O_NOFOLLOW), -1);
	ck_assert_int_eq(errno, ELOOP);
	memcpy(strrchr(path, '/'), "/gone", sizeof("/gone"));
	ck_assert_int_eq(fd_lstatat(root, path, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
	path[0] = 'b';
	ck_assert_int_eq(fd_openat(root, path, O_RDONLY), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(open_fds(), fds);
	free(path);
	leave();
}
END_TEST

/* The length of a path that ends in slashes, and of every length around
   PATH_MAX, says the same as the directory of the same depth. */
START_TEST(no_length_of_a_path_is_special)
{
	struct stat st;
	enter();
	char *deep = make_deep(-1);
	for (size_t n = PATH_MAX - 120; n < PATH_MAX + 120; n++) {
		char path[2 * PATH_MAX];
		memcpy(path, deep, n);
		path[n] = '\0';
		bool whole = n % sizeof(NAME) == 0 || deep[n] == '/';
		ck_assert_msg((fd_lstatat(root, path, &st) == 0) == whole, "%zu", n);
	}
	size_t len = strlen(deep) - 4;
	char *slashes = calloc(1, len + 3 * PATH_MAX);
	memcpy(slashes, deep, len);
	memset(slashes + len, '/', PATH_MAX);
	ck_assert_int_eq(fd_lstatat(root, slashes, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	memset(slashes + len, 'n', 2 * PATH_MAX);
	ck_assert_int_eq(fd_lstatat(root, slashes, &st), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	free(slashes);
	free(deep);
	leave();
}
END_TEST

START_TEST(a_link_at_a_cut_of_a_long_path_is_refused)
{
	struct stat st;
	enter();
	/* The last component that ends within the first PATH_MAX - 1 bytes. */
	char *path = make_deep((PATH_MAX - 1) / (int)sizeof(NAME) - 1);
	ck_assert_int_eq(fd_lstatat(root, path, &st), -1);
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_int_eq(fd_openat(root, path, O_RDONLY), -1);
	ck_assert_int_eq(errno, ELOOP);
	free(path);
	leave();
}
END_TEST

START_TEST(a_name_that_is_too_long_says_so)
{
	struct stat st;
	char name[NAME_MAX + 2];
	enter();
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(fd_lstatat(root, name, &st), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	leave();
}
END_TEST

START_TEST(an_empty_path_is_the_directory_itself)
{
	struct stat st, own;
	enter();
	ck_assert_int_eq(fstat(root, &own), 0);
	ck_assert_int_eq(fd_lstatat(root, "", &st), 0);
	ck_assert(st.st_ino == own.st_ino);
	int fd = fd_openat(root, "", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(fd, -1);
	close(fd);
	leave();
}
END_TEST

UNIT_MAIN("fd", close_keeps_errno_and_marks_what_is_closed,
    write_all_writes_all_to_a_full_nonblocking_pipe, a_file_is_read_up_to_its_bound,
    reading_a_fifo_does_not_hang,
    a_replaced_file_has_its_mode_and_leaves_nothing_beside_it,
    a_path_longer_than_path_max_is_reached, no_length_of_a_path_is_special,
    a_link_at_a_cut_of_a_long_path_is_refused, a_name_that_is_too_long_says_so,
    an_empty_path_is_the_directory_itself)
