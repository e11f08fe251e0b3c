/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * sweep [-j WORKERS] [-t SECONDS] [-s SEED] [-k STEP] [-r ROLE] [-c CLASS]
 *       [-n NTH] [-e ERROR] [-p] [-d TIMES] BUILDDIR WORKDIR
 *
 * Lets every call that filemond makes fail once, each with every errno that
 * applies, and kills the process there: see fault.h.  After each the daemon is
 * started again without a fault, and all must be well: the mirror equals the
 * tree, no process is left, none is a zombie, state.db and the event log are
 * whole.
 *
 * -t: as many points as there is time for, but one of each kind, in an order that
 * SEED makes.  -k: each STEPth call.  -r -c -n -e: these alone.  -p: power cuts
 * instead (shadow.c), before each call that writes, syncs or renames.  -d:
 * instead, so many kinds of damage to state.db (damage.c), from SEED on.  TAP: a
 * test for each role and class, and how many points were tried.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "damage.h"
#include "stage.h"

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

enum { ERRORS_MAX = 8, WORKERS_MAX = 16, SLOW = 4 };

static const char *const role_names[ROLES] = { "supervisor", "watcher", "runner", "job" };

/* The kill comes last. */
static const struct {
	const char *name;
	int errors[ERRORS_MAX];
} classes[CLASSES] = {
	[CLASS_OPEN] = { "open",
	    { EMFILE, EACCES, ENOSPC, EIO, ENOMEM, ENFILE, FAULT_KILL } },
	[CLASS_READ] = { "read", { EIO, EINTR, FAULT_KILL } },
	[CLASS_WRITE] = { "write", { ENOSPC, EIO, EINTR, EDQUOT, FAULT_KILL } },
	[CLASS_SYNC] = { "fsync", { EIO, ENOSPC, FAULT_KILL } },
	[CLASS_ENTRY] = { "rename", { ENOSPC, EACCES, EIO, FAULT_KILL } },
	[CLASS_MMAP] = { "mmap", { ENOMEM, FAULT_KILL } },
	[CLASS_FORK] = { "fork", { EAGAIN, ENOMEM, FAULT_KILL } },
	[CLASS_EXEC] = { "exec",
	    { ENOENT, EACCES, ENOMEM, E2BIG, ETXTBSY, EIO, FAULT_KILL } },
	[CLASS_PIPE] = { "pipe", { EMFILE, ENFILE, FAULT_KILL } },
	[CLASS_WATCH] = { "inotify", { ENOSPC, ENOMEM, EMFILE, EACCES, FAULT_KILL } },
	[CLASS_ACCEPT] = { "accept",
	    { EMFILE, ENFILE, ECONNABORTED, ENOMEM, EINTR, FAULT_KILL } },
	[CLASS_STAT] = { "stat", { EIO, EACCES, ENOMEM, FAULT_KILL } },
	[CLASS_LIST] = { "readdir", { EIO, ENOMEM, EMFILE, FAULT_KILL } },
	[CLASS_SOCKET] = { "socket", { EMFILE, ENOMEM, EADDRINUSE, FAULT_KILL } },
	[CLASS_POLL] = { "poll", { EINTR, ENOMEM, FAULT_KILL } },
	[CLASS_MEMORY] = { "malloc", { ENOMEM, FAULT_KILL } },
};

struct point {
	int role, class, nth, error;
};

struct options {
	int workers, seconds, step, role, class, nth, error, damage;
	unsigned seed;
	bool power;
};

struct tally {
	unsigned next; /* the point that is begun next */
	unsigned tried[ROLES][CLASSES], missed[ROLES][CLASSES], bad[ROLES][CLASSES];
};

static struct options opt = {
	.workers = 2, .role = -1, .class = -1, .nth = 0, .step = 1
};
static struct stage_tools tools;
static const char *work_dir;
static struct point *points;
static size_t n_points, cap_points, n_kinds;
static struct tally *tally;
static int64_t deadline;

static const char *
error_name(int error)
{
	return error == FAULT_KILL ? "kill -9"
	    : error == FAULT_POWER ? "power cut"
				   : strerrorname_np(error);
}

/* What happens with the fault, and that it ends; nothing more can be asked. */
static void
run_faulty(struct stage *s, const struct point *point)
{
	s->page->role = point->role;
	s->page->class = point->class;
	s->page->nth = point->nth;
	s->page->error = point->error;
	s->page->seed = opt.seed + (unsigned)point->nth;
	if (point->error == FAULT_POWER)
		stage_open_sandbox(s);
	stage_start(s, true);
	stage_wait_ready(s, 1500);
	stage_change(s);
	stage_wait_idle(s, point->error == FAULT_POWER ? 800 : 1500);
}

static const char *
check_after_stop(struct stage *s)
{
	const char *fault = stage_check_none_left(s, 5000);

	if (fault == NULL)
		fault = stage_check_same(s);
	/* quick_check does not compare indices with tables, nor does it have to:
	   what they lack is found by the scan. */
	if (fault == NULL && opt.damage == 0)
		fault = stage_check_state(s);
	if (fault == NULL)
		fault = stage_check_log(s);
	return fault;
}

/* Without a fault all must be well, and soon. */
static const char *
run_sound(struct stage *s, const struct point *point)
{
	const char *fault;

	stage_start(s, false);
	if (!stage_wait_ready(s, 20000 * SLOW))
		return "it does not come up any more";
	if (point->error == E2BIG)
		stage_retry(s); /* no attempt helps: given up at once */
	if (!stage_wait_idle(s, 20000 * SLOW))
		return "it does not deliver everything";
	fault = stage_check_processes(s);
	if (!stage_stop(s, 10000 * SLOW) && fault == NULL)
		fault = "it does not stop";
	return fault != NULL ? fault : check_after_stop(s);
}

/* The directory is what the power cut left. */
static const char *
take_left(struct stage *s)
{
	char aside[400];

	snprintf(aside, sizeof(aside), "%s/was", s->dir);
	if (rename(s->state, aside) == -1 || rename(s->page->left, s->state) == -1)
		return "the power cut left no directory";
	return NULL;
}

static const char *
try_point(struct stage *s, const struct point *point, bool *reached)
{
	const char *fault;

	run_faulty(s, point);
	stage_stop(s, 4000);
	*reached = s->page->fired != 0;
	fault = stage_check_none_left(s, 10000);
	if (fault == NULL && point->error == FAULT_POWER && *reached)
		fault = take_left(s);
	stage_change_offline(s);
	return fault != NULL ? fault : run_sound(s, point);
}

/* Killed, so that all is in the WAL, or stopped, so that there is none; then what
   it recorded is damaged. */
static const char *
try_damage(struct stage *s, const struct point *point)
{
	const char *fault;

	stage_start(s, false);
	stage_wait_ready(s, 5000 * SLOW);
	stage_change(s);
	stage_wait_idle(s, 5000 * SLOW);
	stage_stop(s, point->nth % 2 == 0 ? 4000 * SLOW : 0);
	fault = stage_check_none_left(s, 10000);
	s->said = damage(s->state, (uint32_t)point->nth);
	stage_change_damaged(s);
	return fault != NULL ? fault : run_sound(s, point);
}

static void
show(const struct stage *s, const char *name)
{
	char line[400];

	snprintf(line, sizeof(line), "%s/%s", s->dir, name);
	FILE *file = fopen(line, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		printf("# | %s%s", line, strchr(line, '\n') == NULL ? "\n" : "");
	if (file != NULL)
		fclose(file);
}

static void
try_and_tell(const struct point *point, int worker)
{
	char dir[PATH_MAX];
	struct stage s;
	bool reached = false;
	const char *fault;

	snprintf(dir, sizeof(dir), "%s/%d", work_dir, worker);
	stage_build(&s, &tools, dir);
	if (opt.damage > 0) {
		reached = true;
		fault = try_damage(&s, point);
	} else {
		fault = try_point(&s, point, &reached);
	}
	__atomic_add_fetch(reached ? &tally->tried[point->role][point->class]
				   : &tally->missed[point->role][point->class],
	    1, __ATOMIC_RELAXED);
	if (fault == NULL) {
		stage_release(&s);
		return;
	}
	__atomic_add_fetch(&tally->bad[point->role][point->class], 1, __ATOMIC_RELAXED);
	printf("# %s: %s, call %d, %s%s: %s\n", role_names[point->role],
	    classes[point->class].name, point->nth, error_name(point->error),
	    reached ? "" : " (not reached)", fault);
	if (s.said != NULL)
		printf("# seed %d: %s\n", point->nth, s.said);
	show(&s, "trace");
	show(&s, "diff");
	fflush(stdout);
	stage_stop(&s, 100);
	stage_check_none_left(&s, 100);
	if (getenv("KEEP") != NULL)
		exit(1);
	stage_release(&s);
}

static void
work(int worker)
{
	unsigned i;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((i = __atomic_fetch_add(&tally->next, 1, __ATOMIC_RELAXED)) < n_points) {
		if (deadline > 0 && i >= n_kinds && stage_now_ms() >= deadline)
			break;
		try_and_tell(&points[i], worker);
	}
	exit(0);
}

static void
add(int role, int class, int nth, int error)
{
	if (n_points == cap_points) {
		cap_points = cap_points == 0 ? 1024 : cap_points * 2;
		points = realloc(points, cap_points * sizeof(*points));
		if (points == NULL)
			err(99, "realloc");
	}
	points[n_points++] = (struct point){ role, class, nth, error };
}

static void
add_call(int role, int class, int nth)
{
	if (opt.power) {
		add(role, class, nth, FAULT_POWER);
		return;
	}
	for (size_t i = 0; i < ERRORS_MAX && classes[class].errors[i] != 0; i++)
		if (opt.error == 0 || opt.error == classes[class].errors[i])
			add(role, class, nth, classes[class].errors[i]);
}

static bool
wanted(int role, int class)
{
	if (opt.power &&
	    (role != ROLE_WATCHER ||
		(class != CLASS_WRITE && class != CLASS_SYNC && class != CLASS_ENTRY)))
		return false;
	return (opt.role == -1 || opt.role == role) &&
	    (opt.class == -1 || opt.class == class);
}

/* How many calls there are, is counted; some more, since runs differ. */
static void
list_points(const struct fault_page *counted)
{
	for (int role = 0; role < ROLES; role++)
		for (int class = 0; class < CLASSES; class ++) {
			int calls = (int)counted->hits[role][class];

			if (calls == 0 || !wanted(role, class))
				continue;
			n_kinds++;
			for (int nth = 1; nth <= calls + calls / 20 + 1; nth += opt.step)
				if (opt.nth == 0 || opt.nth == nth)
					add_call(role, class, nth);
		}
}

static int
by_kind(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	int kind = (x->role * CLASSES + x->class) - (y->role * CLASSES + y->class);

	return kind != 0 ? kind : x->nth - y->nth;
}

/* Mixed within each kind, then one of each kind in turn. */
static void
shuffle(void)
{
	struct point *all = points, *mixed = calloc(n_points, sizeof(*mixed));
	bool *taken = calloc(n_points, sizeof(*taken));
	size_t n = 0;

	if (mixed == NULL || taken == NULL)
		err(99, "calloc");
	srandom(opt.seed);
	for (size_t i = n_points; i > 1; i--) {
		size_t j = (size_t)random() % i;
		struct point swap = all[i - 1];

		all[i - 1] = all[j];
		all[j] = swap;
	}
	while (n < n_points) {
		bool seen[ROLES][CLASSES] = { 0 };

		for (size_t i = 0; i < n_points; i++) {
			bool *kind = &seen[all[i].role][all[i].class];

			if (taken[i] || *kind)
				continue;
			*kind = taken[i] = true;
			mixed[n++] = all[i];
		}
	}
	free(taken);
	free(points);
	points = mixed;
}

/* One run without any fault, that counts. */
static void
count_calls(struct fault_page *counted)
{
	const struct point none = { ROLE_JOB, 0, 0, 0 };
	char dir[PATH_MAX];
	const char *fault;
	struct stage s;
	bool reached;

	snprintf(dir, sizeof(dir), "%s/count", work_dir);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	stage_build(&s, &tools, dir);
	fault = try_point(&s, &none, &reached);
	if (fault != NULL) {
		show(&s, "trace");
		printf("Bail out! without any fault: %s\n", fault);
		exit(99);
	}
	*counted = *s.page;
	stage_release(&s);
}

static int
report(const struct fault_page *counted)
{
	unsigned all = 0, kinds = 0, bad = 0;

	for (int role = 0; role < ROLES; role++)
		for (int class = 0; class < CLASSES; class ++) {
			unsigned n = tally->tried[role][class],
				 b = tally->bad[role][class];

			if (n + b == 0)
				continue;
			printf("%sok %u - %s: %s: %u points tried (%u calls)\n",
			    b > 0 ? "not " : "", ++kinds, role_names[role],
			    opt.damage > 0 ? "state.db damaged" : classes[class].name, n,
			    counted->hits[role][class]);
			all += n;
			bad += b;
		}
	printf("1..%u\n# %u points tried of %zu, %u not well, seed %u\n", kinds, all,
	    n_points, bad, opt.seed);
	return bad > 0;
}

static char *
tool(const char *build, const char *name)
{
	char *path, *full;

	if (asprintf(&path, "%s/%s", build, name) == -1 ||
	    (full = realpath(path, NULL)) == NULL)
		err(99, "%s/%s", build, name);
	free(path);
	return full;
}

static int
index_of(const char *name)
{
	for (int i = 0; i < ROLES; i++)
		if (strcmp(role_names[i], name) == 0)
			return i;
	for (int i = 0; i < CLASSES; i++)
		if (strcmp(classes[i].name, name) == 0)
			return i;
	errx(64, "%s: no such role or class", name);
}

static int
error_of(const char *name)
{
	if (strcmp(name, "kill") == 0)
		return FAULT_KILL;
	for (int i = 1; i < 256; i++)
		if (strerrorname_np(i) != NULL && strcmp(strerrorname_np(i), name) == 0)
			return i;
	errx(64, "%s: no such error", name);
}

static void
parse(int argc, char **argv)
{
	int c;

	opt.seed = (unsigned)getpid();
	while ((c = getopt(argc, argv, "j:t:s:k:r:c:n:e:pd:")) != -1)
		switch (c) {
		case 'j':
			opt.workers = atoi(optarg);
			break;
		case 't':
			opt.seconds = atoi(optarg);
			break;
		case 's':
			opt.seed = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			opt.step = atoi(optarg);
			break;
		case 'r':
			opt.role = index_of(optarg);
			break;
		case 'c':
			opt.class = index_of(optarg);
			break;
		case 'n':
			opt.nth = atoi(optarg);
			break;
		case 'e':
			opt.error = error_of(optarg);
			break;
		case 'd':
			opt.damage = atoi(optarg);
			break;
		case 'p':
			opt.power = true;
			break;
		default:
			exit(64);
		}
	if (argc - optind != 2 || opt.workers < 1 || opt.workers > WORKERS_MAX ||
	    opt.step < 1)
		errx(64, "usage: sweep [OPTION...] BUILDDIR WORKDIR");
	tools.daemon = tool(argv[optind], "filemond");
	tools.copy = tool(argv[optind], "tests/fault/copy");
	tools.shim = tool(argv[optind], "tests/fault/.libs/shim.so");
	tools.treediff = tool(argv[optind], "tests/tools/treediff");
	work_dir = realpath(argv[optind + 1], NULL);
	if (work_dir == NULL)
		err(99, "%s", argv[optind + 1]);
}

int
main(int argc, char **argv)
{
	static struct fault_page counted;

	parse(argc, argv);
	umask(022);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		err(99, "mmap");
	if (opt.damage > 0) {
		for (int i = 0; i < opt.damage; i++)
			add(ROLE_WATCHER, CLASS_READ, (int)opt.seed + i, 0);
	} else {
		count_calls(&counted);
		list_points(&counted);
	}
	if (opt.seconds > 0) {
		deadline = stage_now_ms() + opt.seconds * 1000;
		shuffle();
	} else {
		qsort(points, n_points, sizeof(*points), by_kind);
	}
	fflush(stdout);
	for (int i = 0; i < opt.workers; i++)
		if (fork() == 0)
			work(i);
	while (wait(NULL) != -1)
		continue;
	return report(&counted);
}
