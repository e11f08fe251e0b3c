/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * churn [-n OPERATIONS] [-w WRITERS] [-s SEED] [-d MICROSECONDS] [-x OP]... DIR
 *
 * WRITERS processes do OPERATIONS random operations between them on one small
 * set of names below DIR, so that they get into each other's way: a file
 * becomes a directory, a tree goes while another writes into it.  The same
 * seed makes the same choices.  An operation that is not possible (no such
 * file) does not count.  -d waits after each, -x leaves one kind out.  Says
 * how many of each were done.
 */

#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

enum { DEPTH_MAX = 3, PATH_SIZE = 2048, OPS_MAX = 16 };

/* Few directories, so that the writers meet. */
static const char *const dirs[] = { "a", "b", "src", "odd dir", "x\ny", "-d" };
static const char *const leaves[] = { "f", "g", "notes.txt", "data.bin", "README",
	"two words", "new\nline", "quo'te\"s", "$(echo x)", "{path}", "-rf",
	"back\\slash", "st*r?[x]", "\xff\xfe invalid", "\xc3\xa9t\xc3\xa9", "end ",
	".dot", "#x~y",
	("long-0123456789012345678901234567890123456789012345678901234567890123456789"
	 "0123456789012345678901234567890123456789012345678901234567890123456789") };

static uint64_t state;
static char self[16];

static uint32_t
chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 16) % below);
}

static void
descend(char *path, const char *name)
{
	size_t len = strlen(path);

	snprintf(path + len, PATH_SIZE - len, "/%s", name);
}

static void
any_dir(char *out)
{
	uint32_t depth = chance(DEPTH_MAX + 1);

	snprintf(out, PATH_SIZE, ".");
	while (depth-- > 0)
		descend(out, dirs[chance(COUNTOF(dirs))]);
}

static void
any_path(char *out)
{
	any_dir(out);
	descend(out, leaves[chance(COUNTOF(leaves))]);
}

/* A directory, or a leaf: now and then the one takes the place of the other. */
static void
any_name(char *out)
{
	if (chance(3) != 0)
		any_path(out);
	else
		do
			any_dir(out);
		while (strcmp(out, ".") == 0);
}

static bool
fill(int fd, uint32_t most)
{
	static char bytes[65536];
	uint32_t n = chance(most) + 1, word = chance(UINT32_MAX);
	bool done;

	if (fd == -1)
		return false;
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (char)(word >> (i % 4 * 8)) + (char)(i / 64);
	done = write(fd, bytes, n) == (ssize_t)n;
	close(fd);
	return done;
}

static bool
op_create(void)
{
	char path[PATH_SIZE];

	any_path(path);
	return fill(open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644), 4096);
}

static bool
op_rewrite(void)
{
	char path[PATH_SIZE];

	any_path(path);
	return fill(open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW), 4096);
}

static bool
op_append(void)
{
	char path[PATH_SIZE];

	any_path(path);
	return fill(open(path, O_WRONLY | O_APPEND | O_NOFOLLOW), 512);
}

static bool
op_truncate(void)
{
	char path[PATH_SIZE];
	int fd, rc;

	any_path(path);
	if ((fd = open(path, O_WRONLY | O_NOFOLLOW)) == -1)
		return false;
	rc = ftruncate(fd, chance(2048));
	close(fd);
	return rc == 0;
}

/* As an editor saves: a temporary file beside it, renamed over it. */
static bool
op_save(void)
{
	char path[PATH_SIZE], temp[PATH_SIZE + 32];

	any_path(path);
	snprintf(temp, sizeof(temp), "%s", path);
	snprintf(strrchr(temp, '/') + 1, 32, "save-%s", self);
	if (!fill(open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600), 4096))
		return false;
	if (rename(temp, path) == 0)
		return true;
	unlink(temp);
	return false;
}

static bool
op_mkdir(void)
{
	char path[PATH_SIZE];
	bool made = false;

	any_name(path);
	for (char *p = path + 2; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		made |= mkdir(path, 0755) == 0;
		*p = '/';
	}
	return mkdir(path, 0755) == 0 || made;
}

static bool
op_rename(void)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	any_path(from);
	any_path(to);
	return strcmp(from, to) != 0 && rename(from, to) == 0;
}

static bool
op_rename_dir(void)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	any_dir(from);
	any_name(to);
	return strcmp(from, to) != 0 && rename(from, to) == 0;
}

static bool
op_exchange(void)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	any_name(from);
	any_name(to);
	return strcmp(from, to) != 0 &&
	    renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0;
}

static bool
op_unlink(void)
{
	char path[PATH_SIZE];

	any_path(path);
	return unlink(path) == 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	remove(path);
	return 0;
}

static bool
op_rmtree(void)
{
	char path[PATH_SIZE];
	struct stat st;

	do
		any_dir(path);
	while (strcmp(path, ".") == 0);
	if (lstat(path, &st) == -1)
		return false;
	return nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH) == 0;
}

static bool
op_link(void)
{
	char from[PATH_SIZE], to[PATH_SIZE];

	any_path(from);
	any_path(to);
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0;
}

static bool
op_symlink(void)
{
	char path[PATH_SIZE];

	any_path(path);
	return symlink(leaves[chance(COUNTOF(leaves))], path) == 0;
}

static bool
op_chmod(void)
{
	static const mode_t modes[] = { 0600, 0644, 0755, 0640, 0400 };
	static const mode_t dir_modes[] = { 0700, 0755, 0750 };
	char path[PATH_SIZE];
	struct stat st;

	any_name(path);
	if (lstat(path, &st) == -1 || S_ISLNK(st.st_mode))
		return false;
	return fchmodat(AT_FDCWD, path,
		   S_ISDIR(st.st_mode) ? dir_modes[chance(COUNTOF(dir_modes))]
				       : modes[chance(COUNTOF(modes))],
		   0) == 0;
}

/* Old times put on a file that has just been written. */
static bool
op_touch(void)
{
	char path[PATH_SIZE];
	struct timespec t[2] = { { .tv_sec = 1000000000 + chance(1000000) } };
	struct stat st;

	any_path(path);
	t[1] = t[0];
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct op {
	const char *name;
	bool (*run)(void);
	uint32_t weight;
} ops[] = {
	{ "create", op_create, 22 },
	{ "rewrite", op_rewrite, 8 },
	{ "append", op_append, 10 },
	{ "truncate", op_truncate, 4 },
	{ "save", op_save, 12 },
	{ "mkdir", op_mkdir, 8 },
	{ "rename", op_rename, 8 },
	{ "rename-dir", op_rename_dir, 4 },
	{ "exchange", op_exchange, 1 },
	{ "unlink", op_unlink, 6 },
	{ "rmtree", op_rmtree, 1 },
	{ "link", op_link, 3 },
	{ "symlink", op_symlink, 3 },
	{ "chmod", op_chmod, 5 },
	{ "touch", op_touch, 3 },
};
_Static_assert(COUNTOF(ops) <= OPS_MAX, "one count for each");

static struct op *
any_op(void)
{
	uint32_t sum = 0, at;
	size_t i;

	for (i = 0; i < COUNTOF(ops); i++)
		sum += ops[i].weight;
	at = chance(sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return &ops[i];
}

static void
leave_out(const char *name)
{
	for (size_t i = 0; i < COUNTOF(ops); i++)
		if (strcmp(ops[i].name, name) == 0) {
			ops[i].weight = 0;
			return;
		}
	errx(64, "%s: no such operation", name);
}

static void
writer(unsigned long n, unsigned delay, unsigned long *done)
{
	struct op *op;

	while (n > 0) {
		op = any_op();
		if (!op->run())
			continue;
		__atomic_add_fetch(&done[op - ops], 1, __ATOMIC_RELAXED);
		n--;
		if (delay > 0)
			usleep(delay);
	}
	_exit(0);
}

static void
start(
    unsigned writers, unsigned long n, uint64_t seed, unsigned delay, unsigned long *done)
{
	for (unsigned i = 0; i < writers; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			state = (seed * 1000003 + i + 1) * 0x9e3779b97f4a7c15U | 1;
			snprintf(self, sizeof(self), "%u", i);
			writer(n / writers + (i < n % writers), delay, done);
		}
	}
}

static int
finish(unsigned long *done)
{
	int status, rc = 0;

	while (wait(&status) != -1)
		rc |= status != 0;
	for (size_t i = 0; i < COUNTOF(ops); i++)
		printf("%s%s %lu", i > 0 ? ", " : "", ops[i].name, done[i]);
	putchar('\n');
	return rc;
}

int
main(int argc, char **argv)
{
	unsigned long n = 1000, *done;
	unsigned writers = 1, delay = 0;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:w:s:d:x:")) != -1)
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			writers = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'd')
			delay = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'x')
			leave_out(optarg);
		else
			return 64;
	if (argc - optind != 1 || writers == 0)
		errx(64, "usage: churn [-n N] [-w N] [-s SEED] [-d US] [-x OP]... DIR");
	if (chdir(argv[optind]) == -1)
		err(1, "%s", argv[optind]);
	done = mmap(NULL, OPS_MAX * sizeof(*done), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		err(1, "mmap");
	umask(022);
	start(writers, n, seed, delay, done);
	return finish(done);
}
