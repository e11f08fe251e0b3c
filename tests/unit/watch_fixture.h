/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_TESTS_WATCH_FIXTURE_H
#define FILEMON_TESTS_WATCH_FIXTURE_H

/*
 * A watch on a temporary tree, with two consumers of what it tells: a record
 * of every event, and a replay that keeps the set of paths as a reader of the
 * events would, to be compared with the tree.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <filemon/watch.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

/* The same cases are built for each backend that is told by the kernel. */
#ifndef WATCH_BACKEND
#define WATCH_BACKEND FM_BACKEND_AUTO
#endif
#define IS_FANOTIFY (WATCH_BACKEND == FM_BACKEND_FANOTIFY)

struct told {
	enum fm_kind kind;
	enum fm_cause cause;
	unsigned scan;
	int error;
	bool is_dir, repeated, modified, has_st;
	char *path, *old; /* old_path, or other */
	int pid;
	bool has_pidfd;
};

struct paths {
	char **at;
	size_t count, cap;
};

struct fixture {
	char dir[64];  /* temporary */
	char root[80]; /* dir/root */
	struct fm_options o;
	struct fm_watch *w;
	struct told *told;
	size_t count, cap;
	bool quiet;	/* keep no record */
	bool no_replay; /* nor a model */
	struct paths model, listed;
	bool listing;
	bool (*want)(const char *path, bool is_dir);
};

static inline int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void
paths_add(struct paths *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->at[i], path) == 0)
			return;
	if (p->count == p->cap) {
		p->cap = p->cap * 2 + 64;
		p->at = realloc(p->at, p->cap * sizeof(*p->at));
	}
	p->at[p->count++] = strdup(path);
}

static inline bool
paths_has(const struct paths *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->at[i], path) == 0)
			return true;
	return false;
}

static inline void
paths_clear(struct paths *p)
{
	while (p->count > 0)
		free(p->at[--p->count]);
	free(p->at);
	*p = (struct paths){ 0 };
}

/* Is path top, or below it? */
static inline bool
is_under(const char *path, const char *top)
{
	size_t n = strlen(top);

	return n == 0 ||
	    (strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

static inline void
paths_drop(struct paths *p, const char *top)
{
	for (size_t i = 0; i < p->count;) {
		if (is_under(p->at[i], top)) {
			free(p->at[i]);
			p->at[i] = p->at[--p->count];
		} else {
			i++;
		}
	}
}

/* A directory takes what is below it along. */
static inline void
paths_move(struct paths *p, const char *from, const char *to, bool is_dir)
{
	struct paths moved = { 0 };
	char path[PATH_MAX];

	for (size_t i = 0; i < p->count; i++)
		if (is_dir && is_under(p->at[i], from)) {
			snprintf(path, sizeof(path), "%s%s", to, p->at[i] + strlen(from));
			paths_add(&moved, path);
		}
	paths_drop(p, from);
	paths_drop(p, to);
	paths_add(p, to);
	for (size_t i = 0; i < moved.count; i++)
		paths_add(p, moved.at[i]);
	paths_clear(&moved);
}

/* What a listing did not show is gone, unless lstat knows better: it may have
   appeared after the names were read. */
static inline bool
is_unlisted(const struct fixture *f, const char *dir, const char *path)
{
	char child[PATH_MAX], full[PATH_MAX + 128];
	size_t n = strlen(dir) ? strlen(dir) + 1 : 0;
	struct stat st;

	if (!is_under(path, dir) || strlen(path) <= n)
		return false;
	snprintf(child, sizeof(child), "%s", path);
	child[n + strcspn(child + n, "/")] = '\0';
	snprintf(full, sizeof(full), "%s/%s", f->root, child);
	return !paths_has(&f->listed, child) && lstat(full, &st) == -1;
}

static inline void
replay_end(struct fixture *f, const char *dir)
{
	for (size_t i = 0; i < f->model.count;) {
		if (is_unlisted(f, dir, f->model.at[i])) {
			free(f->model.at[i]);
			f->model.at[i] = f->model.at[--f->model.count];
		} else {
			i++;
		}
	}
	paths_clear(&f->listed);
	f->listing = false;
}

static inline void
replay(struct fixture *f, const struct fm_event *e)
{
	switch (e->kind) {
	case FM_CREATED:
		paths_add(&f->model, e->path);
		break;
	case FM_DELETED:
		paths_drop(&f->model, e->path);
		break;
	case FM_RENAMED:
		paths_move(&f->model, e->old_path, e->path, e->is_dir);
		break;
	case FM_LIST_BEGIN:
		ck_assert(!f->listing);
		f->listing = true;
		break;
	case FM_LIST_ENTRY:
		ck_assert(f->listing);
		ck_assert(e->st != NULL || f->o.names_only || f->o.bare_dirs);
		if (!e->is_dir) /* then nothing is below it */
			paths_drop(&f->model, e->path);
		paths_add(&f->model, e->path);
		paths_add(&f->listed, e->path);
		break;
	case FM_LIST_END:
		ck_assert(f->listing);
		replay_end(f, e->path);
		break;
	case FM_LIST_FAILED:
		paths_clear(&f->listed);
		f->listing = false;
		break;
	case FM_ROOT_GONE:
		paths_clear(&f->model);
		break;
	default:
		break;
	}
}

static inline void
on_event(void *ctx, const struct fm_event *e)
{
	struct fixture *f = ctx;

	ck_assert_uint_eq(strlen(e->path), e->path_len);
	ck_assert(e->path_len == 0 || e->path[0] != '/');
	ck_assert(e->name >= e->path && e->name <= e->path + e->path_len);
	if (!f->no_replay)
		replay(f, e);
	if (f->quiet)
		return;
	if (f->count == f->cap) {
		f->cap = f->cap * 2 + 64;
		f->told = realloc(f->told, f->cap * sizeof(*f->told));
	}
	f->told[f->count++] = (struct told){ e->kind, e->cause, e->scan, e->error,
		e->is_dir, e->repeated, e->modified, e->st != NULL, strdup(e->path),
		e->old_path    ? strdup(e->old_path)
		    : e->other ? strdup(e->other)
			       : NULL,
		e->pid, e->pidfd != -1 };
}

static inline bool
on_want(void *ctx, const char *path, size_t len, bool is_dir)
{
	struct fixture *f = ctx;

	ck_assert_uint_eq(strlen(path), len);
	return f->want == NULL || f->want(path, is_dir);
}

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* rm -r, of trees that nftw can name. */
static inline void
remove_tree(const char *path)
{
	nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* The path below the root, or with a leading '/' below the temporary folder. */
static inline const char *__attribute__((__format__(__printf__, 2, 3)))
at(const struct fixture *f, const char *fmt, ...)
{
	static char ring[4][PATH_MAX];
	static unsigned next;
	char *out = ring[next++ % 4], rel[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rel, sizeof(rel) - 80, fmt, ap);
	va_end(ap);
	if (rel[0] == '/')
		snprintf(out, PATH_MAX, "%s%.3900s", f->dir, rel);
	else
		snprintf(out, PATH_MAX, "%s/%.3900s", f->root, rel);
	return out;
}

static inline void
make_dir(const struct fixture *f, const char *rel)
{
	ck_assert_msg(
	    mkdir(at(f, "%s", rel), 0755) == 0, "mkdir %s: %s", rel, strerror(errno));
}

static inline void
make_file(const struct fixture *f, const char *rel)
{
	int fd = open(at(f, "%s", rel), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_msg(fd != -1, "create %s: %s", rel, strerror(errno));
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static inline void
move_path(const struct fixture *f, const char *from, const char *to)
{
	ck_assert_int_eq(rename(at(f, "%s", from), at(f, "%s", to)), 0);
}

static inline void
forget_told(struct fixture *f)
{
	while (f->count > 0) {
		free(f->told[--f->count].path);
		free(f->told[f->count].old);
	}
}

static inline const struct told *
told(const struct fixture *f, enum fm_kind kind, const char *path)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->told[i].kind == kind && strcmp(f->told[i].path, path) == 0)
			return &f->told[i];
	return NULL;
}

static inline size_t
count_told(const struct fixture *f, enum fm_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->told[i].kind == kind;
	return n;
}

static inline void
diag_told(const struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		fprintf(stderr, "# %s '%s' '%s' scan %u cause %s error %d%s\n",
		    fm_kind_name(f->told[i].kind), f->told[i].path,
		    f->told[i].old ? f->told[i].old : "", f->told[i].scan,
		    fm_cause_name(f->told[i].cause), f->told[i].error,
		    f->told[i].repeated ? " repeated" : "");
}

/* One turn of a loop: waits at most 20 ms for something to do. */
static inline void
turn(struct fixture *f)
{
	struct pollfd pfd = { .fd = fm_watch_fd(f->w), .events = POLLIN };
	int64_t due = fm_watch_due(f->w), wait = due == -1 ? 20 : due - now_ms();

	if (fm_watch_scanning(f->w) || wait < 0)
		wait = 0;
	poll(&pfd, 1, wait > 20 ? 20 : (int)wait);
	while (fm_watch_read(f->w) == 1)
		continue;
	fm_watch_step(f->w, 64);
	fm_watch_tick(f->w, now_ms());
}

/* Until nothing is left to read, to list, or to be done within 100 ms. */
static inline void
drain(struct fixture *f)
{
	int64_t due, end = now_ms() + 20000;

	do {
		ck_assert_msg(now_ms() < end, "does not come to rest");
		turn(f);
		due = fm_watch_due(f->w);
	} while (fm_watch_scanning(f->w) || fm_watch_unread(f->w) > 0 ||
	    (due != -1 && due < now_ms() + 100));
}

#define WAIT_FOR(f, condition) \
	do { \
		int64_t end_ = now_ms() + 20000; \
		while (!(condition)) { \
			if (now_ms() > end_) { \
				diag_told(f); \
				ck_abort_msg("never came: %s", #condition); \
			} \
			turn(f); \
		} \
	} while (0)

#define CK_TOLD(f, kind, path) \
	do { \
		if (told(f, kind, path) == NULL) { \
			diag_told(f); \
			ck_abort_msg("not told: %s %s", #kind, path); \
		} \
	} while (0)

static inline void
fixture_init(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%.40s/fm-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->root, sizeof(f->root), "%s/root", f->dir);
	ck_assert_int_eq(mkdir(f->root, 0755), 0);
	f->o = (struct fm_options){
		.root = f->root, .on_event = on_event, .want = on_want, .ctx = f
	};
	f->o.backend = WATCH_BACKEND;
}

static inline void
fixture_start(struct fixture *f)
{
	f->w = fm_watch_new(&f->o);
	ck_assert_msg(f->w != NULL, "fm_watch_new: %s", strerror(errno));
	drain(f);
}

static inline void
fixture_release(struct fixture *f)
{
	fm_watch_free(f->w);
	forget_told(f);
	free(f->told);
	paths_clear(&f->model);
	paths_clear(&f->listed);
	remove_tree(f->dir);
}

/* Does inotify tell anything in the temporary folder?  Some file systems in
   containers do not.  Called outside of tests: no ck_assert. */
static inline bool
can_inotify(void)
{
	char dir[64], file[80];
	const char *tmp = getenv("TMPDIR");
	struct pollfd pfd = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	bool can = false;
	int fd;

	snprintf(dir, sizeof(dir), "%.40s/fm-XXXXXX", tmp ? tmp : "/tmp");
	if (pfd.fd == -1 || mkdtemp(dir) == NULL)
		return false;
	snprintf(file, sizeof(file), "%s/probe", dir);
	if (inotify_add_watch(pfd.fd, dir, IN_CREATE) != -1 &&
	    (fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != -1) {
		can = poll(&pfd, 1, 1000) == 1;
		close(fd);
	}
	close(pfd.fd);
	remove_tree(dir);
	return can;
}

static inline unsigned
queue_limit(void)
{
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	unsigned n = 0;

	if (file != NULL) {
		if (fscanf(file, "%u", &n) != 1)
			n = 0;
		fclose(file);
	}
	return n;
}

static inline bool
is_tmpfs(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/*
 * One mark covers a whole file system, and others may be busy on theirs: a
 * small one of our own, seen by this process alone, but where TMPDIR asks for
 * that of a disk.  NULL: ready, else why not.
 */
static inline const char *
prepare_fanotify(void)
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct fm_options o = { .root = dir, .on_event = on_event };
	struct fm_stats stats;
	struct fm_watch *w;

	if ((getenv("TMPDIR") == NULL || is_tmpfs(dir)) &&
	    (unshare(CLONE_NEWNS) == -1 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		mount("fm", dir, "tmpfs", 0, "size=256m") == -1))
		return "may not mount a file system of its own";
	o.backend = FM_BACKEND_FANOTIFY;
	if ((w = fm_watch_new(&o)) == NULL)
		return strerror(errno);
	fm_watch_stats(w, &stats);
	fm_watch_free(w);
	return stats.backend == FM_BACKEND_FANOTIFY ? NULL : stats.why;
}

/* As UNIT_MAIN, each case `times` times; skips where inotify cannot show it. */
#define WATCH_MAIN(name, times, ...) \
	int main(void) \
	{ \
		const TTest *const cases[] = { __VA_ARGS__ }; \
		return watch_main(name, cases, sizeof(cases) / sizeof(cases[0]), times); \
	}

static inline int
watch_main(const char *name, const TTest *const *cases, size_t count, int times)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	const char *why_not;

	if (!can_inotify() || queue_limit() < 4096) {
		puts("1..0 # SKIP inotify tells nothing here, or its queue is too short");
		return 0;
	}
	if (IS_FANOTIFY && (why_not = prepare_fanotify()) != NULL) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < count; i++)
		tcase_add_loop_test(tcase, cases[i], 0, times);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}

#endif
