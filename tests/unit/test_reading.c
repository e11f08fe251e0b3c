/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "hash/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash/beneath.h"
#include "hash/entropy.h"
#include "unit.h"

#define MIB (1024 * 1024)
#define ABC_SUM "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char dir[] = "/tmp/filemon-reading.XXXXXX";
static struct reader *reader;

static const char *
at(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const void *data, size_t n)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static void
enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	reader = reader_new();
	ck_assert_ptr_nonnull(reader);
}

static void
leave(void)
{
	static const char *const names[] = { "d/f", "d", "f", "link", "out", "fifo",
		"dirlink" };
	for (size_t i = 0; i < COUNTOF(names); i++)
		remove(at(names[i]));
	ck_assert_int_eq(rmdir(dir), 0);
	reader_free(reader);
}

static struct content
read_path(const char *path, int64_t max)
{
	struct content_request request = { 1, max, dir, path };
	struct content content;
	reader_read(reader, &request, &content);
	return content;
}

START_TEST(a_file_is_read_and_summed)
{
	struct stat st;
	enter();
	put("f", "abc", 3);
	stat(at("f"), &st);
	struct content c = read_path("f", MIB);
	ck_assert_int_eq(c.state, CONTENT_READ);
	ck_assert_str_eq(c.sum, ABC_SUM);
	ck_assert(c.size == 3 && c.ino == st.st_ino);
	ck_assert_int_eq(
	    c.mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	ck_assert_int_eq(c.entropy, 1585); /* log2(3) */
	put("f", "", 0);
	c = read_path("f", MIB);
	ck_assert_int_eq(c.state, CONTENT_READ);
	ck_assert_int_eq(c.entropy, -1);
	leave();
}
END_TEST

START_TEST(a_sum_does_not_depend_on_the_pieces)
{
	enter();
	char *data = malloc(3 * MIB + 1);
	memset(data, 'a', 3 * MIB + 1);
	put("f", data, 1000000);
	/* FIPS 180-4, the test of a million times "a". */
	ck_assert_str_eq(read_path("f", MIB).sum,
	    "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	put("f", data, 3 * MIB + 1);
	ck_assert_int_eq(read_path("f", 3 * MIB + 1).state, CONTENT_READ);
	ck_assert_int_eq(read_path("f", 3 * MIB).state, CONTENT_TOO_LARGE);
	free(data);
	leave();
}
END_TEST

START_TEST(a_large_sparse_file_is_sampled_only)
{
	enter();
	put("f", "abc", 3);
	ck_assert_int_eq(truncate(at("f"), (off_t)1 << 40), 0);
	struct content c = read_path("f", MIB);
	ck_assert_int_eq(c.state, CONTENT_TOO_LARGE);
	ck_assert_str_eq(c.sum, "");
	ck_assert(c.size == (int64_t)1 << 40);
	ck_assert_int_lt(c.entropy, 10);
	leave();
}
END_TEST

START_TEST(what_is_no_file_is_not_opened)
{
	enter();
	ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
	put("f", "abc", 3);
	ck_assert_int_eq(symlink("f", at("link")), 0);
	ck_assert_int_eq(mkdir(at("d"), 0700), 0);
	put("d/f", "abc", 3);
	ck_assert_int_eq(symlink("d", at("dirlink")), 0);
	static const char *const paths[] = { "fifo", "link", "d", "dirlink/f", "f/x",
		"none", "../etc/passwd", "d/../f", "/etc/passwd" };
	for (size_t i = 0; i < COUNTOF(paths); i++) {
		struct content c = read_path(paths[i], MIB);
		ck_assert_msg(c.state == CONTENT_NO_FILE, "%s", paths[i]);
		ck_assert(c.ino == 0 && c.sum[0] == '\0' && c.entropy == -1);
	}
	ck_assert_int_eq(read_path("d//f", MIB).state, CONTENT_READ);
	leave();
}
END_TEST

START_TEST(a_name_that_is_too_long_is_no_crash)
{
	struct stat st;
	char name[1024];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(beneath_open("/tmp", name, &st), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

static bool writing = true;

static void *
write_on(void *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	while (__atomic_load_n(&writing, __ATOMIC_ACQUIRE))
		if (write(fd, "more", 4) != 4)
			break;
	close(fd);
	return NULL;
}

/* Whether a write falls between the two looks is chance: it is tried until one does. */
START_TEST(a_file_that_grows_is_said_to_change)
{
	pthread_t thread;
	char name[256];
	struct content c;
	enter();
	char *data = calloc(1, MIB);
	put("f", data, MIB);
	free(data);
	strcpy(name, at("f"));
	ck_assert_int_eq(pthread_create(&thread, NULL, write_on, name), 0);
	do
		c = read_path("f", (int64_t)1 << 40);
	while (c.state == CONTENT_READ);
	__atomic_store_n(&writing, false, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ck_assert_int_eq(c.state, CONTENT_CHANGED);
	ck_assert_str_eq(c.sum, "");
	ck_assert_int_eq(read_path("f", (int64_t)1 << 40).state, CONTENT_READ);
	leave();
}
END_TEST

START_TEST(reading_leaves_no_mark)
{
	struct stat before, after;
	struct timespec old[2] = { { 1, 0 }, { 2, 0 } };
	enter();
	put("f", "abc", 3);
	ck_assert_int_eq(utimensat(AT_FDCWD, at("f"), old, 0), 0);
	stat(at("f"), &before);
	read_path("f", MIB);
	stat(at("f"), &after);
	ck_assert_int_eq(before.st_atim.tv_sec, after.st_atim.tv_sec);
	ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
	leave();
}
END_TEST

START_TEST(entropy_tells_text_from_noise)
{
	static unsigned char bytes[65536];
	struct entropy e = { .bytes = 0 };
	ck_assert_int_eq(entropy_milli(&e), -1);
	entropy_add(&e, bytes, sizeof(bytes));
	ck_assert_int_eq(entropy_milli(&e), 0);
	e = (struct entropy){ .bytes = 0 };
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	entropy_add(&e, bytes, sizeof(bytes));
	ck_assert_int_eq(entropy_milli(&e), 8000);
	e = (struct entropy){ .bytes = 0 };
	arc4random_buf(bytes, sizeof(bytes));
	entropy_add(&e, bytes, sizeof(bytes));
	ck_assert_int_gt(entropy_milli(&e), 7900);
	e = (struct entropy){ .bytes = 0 };
	entropy_add(&e, "the quick brown fox jumps over the lazy dog", 43);
	ck_assert_int_gt(entropy_milli(&e), 4000);
	ck_assert_int_lt(entropy_milli(&e), 4800);
}
END_TEST

UNIT_MAIN("reading", a_file_is_read_and_summed, a_sum_does_not_depend_on_the_pieces,
    a_large_sparse_file_is_sampled_only, what_is_no_file_is_not_opened,
    a_name_that_is_too_long_is_no_crash, a_file_that_grows_is_said_to_change,
    reading_leaves_no_mark, entropy_tells_text_from_noise)
