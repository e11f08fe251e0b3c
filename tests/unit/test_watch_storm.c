/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Random operations while the watch reads and lists at random moments.  At the
 * end: the replay of what was told is the tree, every directory is known under
 * its name and watched, and a file made in each is told with the right path.
 */

#include <dirent.h>
#include <sys/wait.h>

#include "unit.h"
#include "watch/fanotify_priv.h"
#include "watch/watch_priv.h"
#include "watch_fixture.h"

#define OPERATIONS 3000
#define ROUNDS 6

static unsigned
pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

/* A path of few names, so that operations meet; now and then outside. */
static void
random_path(unsigned *seed, char *out, const struct fixture *f)
{
	unsigned depth = 1 + pick(seed, 4);
	char *end = stpcpy(out, pick(seed, 10) == 0 ? f->dir : f->root);

	while (depth-- > 0) {
		*end++ = '/';
		*end++ = "abcd"[pick(seed, 4)];
	}
	*end = '\0';
}

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd != -1) {
		(void)!write(fd, "x", 1);
		close(fd);
	}
}

static void
operate(unsigned *seed, const struct fixture *f)
{
	char a[PATH_MAX], b[PATH_MAX];

	random_path(seed, a, f);
	random_path(seed, b, f);
	switch (pick(seed, 12)) {
	case 0:
	case 1:
	case 2:
		mkdir(a, 0755);
		break;
	case 3:
		for (char *p = a + strlen(f->dir) + 1; (p = strchr(p, '/')) != NULL;
		     p++) {
			*p = '\0';
			mkdir(a, 0755);
			*p = '/';
		}
		touch(a);
		break;
	case 4:
		touch(a);
		break;
	case 5:
		remove(a);
		break;
	case 6:
		if (strlen(a) > strlen(f->root) + 4)
			remove_tree(a);
		break;
	case 7:
		renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	default:
		rename(a, b);
		break;
	}
}

static struct fixture *walking;

static int
check_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *rel = path + strlen(walking->root);
	uint32_t dir;

	(void)st, (void)ftw;
	if (*rel == '\0' || strcmp(strrchr(path, '/'), "/proof") == 0)
		return 0;
	rel++;
	if (walking->want != NULL && !walking->want(rel, type == FTW_D)) {
		ck_assert_msg(!paths_has(&walking->model, rel), "not wanted: %s", rel);
		return 0;
	}
	ck_assert_msg(paths_has(&walking->model, rel), "not told: %s", rel);
	if (type != FTW_D)
		return 0;
	dir = dirtab_lookup(&walking->w->dirs, rel, strlen(rel));
	ck_assert_msg(walking->o.lazy || dir != DIRTAB_NONE, "unknown: %s", rel);
	ck_assert_msg(walking->o.lazy || walking->w->dirs.dirs[dir].wd >= 0,
	    "not watched: %s", rel);
	touch(at(walking, "%s/proof", rel));
	return 0;
}

static int
check_proof(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *rel = path + strlen(walking->root);

	(void)st, (void)ftw;
	if (type == FTW_F && strcmp(strrchr(path, '/'), "/proof") == 0) {
		CK_TOLD(walking, FM_CREATED, rel + 1);
		unlink(path);
	}
	return 0;
}

/* Until nothing waits for the other half of a rename, or for a repair: over fanotify
   what others do on the file system may overflow the queue at any time. */
static void
settle(struct fixture *f)
{
	int64_t end = now_ms() + 20000;

	drain(f);
	while (fm_watch_due(f->w) != -1) {
		ck_assert_msg(now_ms() < end, "does not come to rest");
		fm_watch_tick(f->w, now_ms() + 60000);
		drain(f);
	}
}

/* Everything agrees with the tree. */
static void
check(struct fixture *f)
{
	struct stat st;

	walking = f;
	settle(f);
	for (size_t i = 0; i < f->model.count; i++)
		ck_assert_msg(lstat(at(f, "%s", f->model.at[i]), &st) == 0,
		    "told but not there: %s", f->model.at[i]);
	forget_told(f);
	f->quiet = false;
	nftw(f->root, check_one, 32, FTW_PHYS);
	settle(f);
	nftw(f->root, check_proof, 32, FTW_PHYS);
	settle(f);
	if (!f->o.lazy)
		ck_assert_uint_eq(f->w->dirs.by_wd.used, f->w->dirs.live);
	f->quiet = true;
}

static unsigned long
count_dirs(const struct fixture *f, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned long n = 1;
	char below[PATH_MAX];

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%.3000s/%s", path, e->d_name);
		if (f->want == NULL || f->want(below + strlen(f->root) + 1, true))
			n += count_dirs(f, below);
	}
	closedir(d);
	return n;
}

static unsigned long
kernel_watches(const struct fm_watch *w)
{
	char path[64], line[512];
	unsigned long n = 0;
	FILE *info;

	if (IS_FANOTIFY)
		return w->fan->handles.live;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->fd);
	ck_assert_ptr_nonnull(info = fopen(path, "re"));
	while (fgets(line, sizeof(line), info) != NULL)
		n += strncmp(line, "inotify ", 8) == 0;
	fclose(info);
	return n;
}

static bool
not_below_d(const char *path, bool is_dir)
{
	(void)is_dir;
	return path[0] != 'd' && strstr(path, "/d") == NULL;
}

/* The rounds behind the first ROUNDS, where the backend can, do without a listing. */
static void
begin(struct fixture *f, int round)
{
	fixture_init(f);
	f->want = round % 2 ? not_below_d : NULL;
	f->o.lazy = round >= ROUNDS;
	f->quiet = true;
	fixture_start(f);
	if (round % 2)
		f->w->list.names.most = f->w->list.names.slice = 4;
}

static void
end(struct fixture *f)
{
	ck_assert_int_eq(f->w->lazy, f->o.lazy);
	if (!f->o.lazy)
		ck_assert_uint_eq(f->w->dirs.live, count_dirs(f, f->root));
	ck_assert_uint_eq(f->w->backlog.dirs, 0);
	if (!f->o.lazy)
		ck_assert_uint_eq(kernel_watches(f->w), f->w->dirs.live);
	fixture_release(f);
}

/* As the kernel does when its queue is full: what was in it is lost. */
static void
lose(struct fixture *f)
{
	const struct notice overflow = { .wd = -1, .mask = IN_Q_OVERFLOW };
	int fd = IS_FANOTIFY ? f->w->fan->fd : f->w->fd;

	while (read(fd, f->w->buf, WATCH_BUFFER) > 0)
		continue;
	notice_apply(f->w, &overflow);
}

/* As where notifications come too fast: those of files in a directory are dropped. */
static void
postpone(struct fixture *f, unsigned *seed)
{
	uint32_t dir = pick(seed, f->w->dirs.made);
	struct dir *d = &f->w->dirs.dirs[dir];

	if (f->w->gone || d->wd < 0 || (d->flags & (DIR_DEAD | DIR_POSTPONED)))
		return;
	f->w->backlog.limit = 1;
	f->w->backlog.dirs++;
	d->flags |= DIR_POSTPONED;
	repair_postponed(f->w);
}

START_TEST(whatever_happens_between_reads_the_end_is_right)
{
	struct fixture f;
	unsigned seed = (unsigned)_i + 1;

	begin(&f, _i);
	for (unsigned n = 0; n < OPERATIONS; n++) {
		operate(&seed, &f);
		if (pick(&seed, 6) == 0)
			fm_watch_read(f.w);
		if (pick(&seed, 3) == 0)
			fm_watch_step(f.w, pick(&seed, 4));
		if (pick(&seed, 16) == 0)
			fm_watch_tick(f.w, now_ms() + (pick(&seed, 2) ? 0 : 20));
		if (pick(&seed, 300) == 0)
			fm_watch_scan(f.w, "", true);
		if (_i % 3 == 2 && pick(&seed, 200) == 0)
			lose(&f);
		if (_i % 3 == 1 && !IS_FANOTIFY && pick(&seed, 20) == 0)
			postpone(&f, &seed);
		if (n % (OPERATIONS / 10) == 0)
			check(&f);
	}
	check(&f);
	end(&f);
}
END_TEST

START_TEST(whatever_another_process_does_the_end_is_right)
{
	struct fixture f;
	unsigned seed = (unsigned)_i + 1000;
	pid_t pids[2];
	int left = 2;

	begin(&f, _i);
	for (int i = 0; i < 2; i++) {
		if ((pids[i] = fork()) == 0) {
			for (unsigned n = 0; n < OPERATIONS * 3; n++)
				operate(&seed, &f);
			_exit(0);
		}
		seed += 77;
	}
	while (left > 0) {
		turn(&f);
		left -= waitpid(-1, NULL, WNOHANG) > 0;
	}
	check(&f);
	end(&f);
}
END_TEST

WATCH_MAIN("watch storm", IS_FANOTIFY ? 2 * ROUNDS : ROUNDS,
    whatever_happens_between_reads_the_end_is_right,
    whatever_another_process_does_the_end_is_right)
