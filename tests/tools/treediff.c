/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * treediff [-x NAME]... A B: are two trees the same?  Names, types, modes,
 * contents, link targets and the files' mtimes are compared; times of
 * directories and links, owners and hard links are not.  -x leaves out what
 * has that name at the top.  Says every difference; 1 where there is one.
 */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SKIP_MAX = 16 };

static const char *skip[SKIP_MAX];
static int skips;
static int differences;

struct side {
	int dir;
	const char *name;
	struct stat st;
};

static void
differ(const char *at, const char *name, const char *what)
{
	differences++;
	fputs("differs: ", stdout);
	for (const char *p = at; *p != '\0'; p++)
		printf(*p < 0x20 || *p == 0x7f ? "\\%03o" : "%c", (unsigned char)*p);
	putchar('/');
	for (const char *p = name; *p != '\0'; p++)
		printf(*p < 0x20 || *p == 0x7f ? "\\%03o" : "%c", (unsigned char)*p);
	printf(": %s\n", what);
}

static bool
skipped(const char *name)
{
	for (int i = 0; i < skips; i++)
		if (strcmp(skip[i], name) == 0)
			return true;
	return false;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted, NULL at the end. */
static char **
list(int dir, bool top)
{
	size_t n = 0, cap = 16;
	char **v = malloc(cap * sizeof(*v));
	DIR *d = fdopendir(dup(dir));
	struct dirent *e;

	if (v == NULL || d == NULL)
		err(2, "opendir");
	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (top && skipped(e->d_name)))
			continue;
		if (n + 2 > cap && (v = realloc(v, (cap *= 2) * sizeof(*v))) == NULL)
			err(2, "realloc");
		if ((v[n++] = strdup(e->d_name)) == NULL)
			err(2, "strdup");
	}
	closedir(d);
	v[n] = NULL;
	qsort(v, n, sizeof(*v), name_cmp);
	return v;
}

static void
list_free(char **v)
{
	for (char **p = v; *p != NULL; p++)
		free(*p);
	free(v);
}

static bool
same_content(const struct side *a, const struct side *b)
{
	char ba[65536], bb[65536];
	int fa = openat(a->dir, a->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	int fb = openat(b->dir, b->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	ssize_t na, nb;
	bool same = fa != -1 && fb != -1;

	while (same) {
		na = read(fa, ba, sizeof(ba));
		nb = read(fb, bb, sizeof(bb));
		same = na >= 0 && na == nb && memcmp(ba, bb, (size_t)na) == 0;
		if (na <= 0)
			break;
	}
	if (fa != -1)
		close(fa);
	if (fb != -1)
		close(fb);
	return same;
}

static bool
same_link(const struct side *a, const struct side *b)
{
	char ba[4096], bb[4096];
	ssize_t na = readlinkat(a->dir, a->name, ba, sizeof(ba));
	ssize_t nb = readlinkat(b->dir, b->name, bb, sizeof(bb));

	return na >= 0 && na == nb && memcmp(ba, bb, (size_t)na) == 0;
}

static void compare_dirs(const char *at, int a, int b, bool top);

static void
compare_subdirs(const char *at, const struct side *a, const struct side *b)
{
	int da = openat(a->dir, a->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	int db = openat(b->dir, b->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	char *path = NULL;

	if (da == -1 || db == -1)
		differ(at, a->name, strerror(errno));
	else if (asprintf(&path, "%s/%s", at, a->name) == -1)
		err(2, "asprintf");
	else
		compare_dirs(path, da, db, false);
	free(path);
	if (da != -1)
		close(da);
	if (db != -1)
		close(db);
}

static void
compare_file(const char *at, const struct side *a, const struct side *b)
{
	char text[128];

	if (!same_content(a, b))
		differ(at, a->name, "content");
	if (a->st.st_mtim.tv_sec != b->st.st_mtim.tv_sec ||
	    a->st.st_mtim.tv_nsec != b->st.st_mtim.tv_nsec) {
		snprintf(text, sizeof(text), "mtime %lld.%09ld and %lld.%09ld",
		    (long long)a->st.st_mtim.tv_sec, a->st.st_mtim.tv_nsec,
		    (long long)b->st.st_mtim.tv_sec, b->st.st_mtim.tv_nsec);
		differ(at, a->name, text);
	}
}

static void
compare(const char *at, struct side *a, struct side *b)
{
	char text[64];

	if (fstatat(a->dir, a->name, &a->st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fstatat(b->dir, b->name, &b->st, AT_SYMLINK_NOFOLLOW) == -1) {
		differ(at, a->name, strerror(errno));
		return;
	}
	if ((a->st.st_mode & S_IFMT) != (b->st.st_mode & S_IFMT)) {
		differ(at, a->name, "type");
		return;
	}
	if (!S_ISLNK(a->st.st_mode) && a->st.st_mode != b->st.st_mode) {
		snprintf(text, sizeof(text), "mode %04o and %04o", a->st.st_mode & 07777,
		    b->st.st_mode & 07777);
		differ(at, a->name, text);
	}
	if (S_ISDIR(a->st.st_mode))
		compare_subdirs(at, a, b);
	else if (S_ISREG(a->st.st_mode))
		compare_file(at, a, b);
	else if (S_ISLNK(a->st.st_mode) && !same_link(a, b))
		differ(at, a->name, "link target");
}

static void
compare_dirs(const char *at, int a, int b, bool top)
{
	char **la = list(a, top), **lb = list(b, top), **pa = la, **pb = lb;
	int c;

	while (*pa != NULL || *pb != NULL) {
		c = *pa == NULL ? 1 : *pb == NULL ? -1 : strcmp(*pa, *pb);
		if (c < 0)
			differ(at, *pa, "only in the first");
		else if (c > 0)
			differ(at, *pb, "only in the second");
		else
			compare(at, &(struct side){ .dir = a, .name = *pa },
			    &(struct side){ .dir = b, .name = *pa });
		pa += c <= 0;
		pb += c >= 0;
	}
	list_free(la);
	list_free(lb);
}

int
main(int argc, char **argv)
{
	int c, a, b;

	while ((c = getopt(argc, argv, "x:")) != -1) {
		if (c != 'x' || skips == SKIP_MAX)
			errx(64, "usage: treediff [-x NAME]... A B");
		skip[skips++] = optarg;
	}
	if (argc - optind != 2)
		errx(64, "usage: treediff [-x NAME]... A B");
	if ((a = open(argv[optind], O_RDONLY | O_DIRECTORY)) == -1)
		err(2, "%s", argv[optind]);
	if ((b = open(argv[optind + 1], O_RDONLY | O_DIRECTORY)) == -1)
		err(2, "%s", argv[optind + 1]);
	compare_dirs(".", a, b, true);
	if (differences > 0)
		printf("%d differences\n", differences);
	return differences > 0;
}
