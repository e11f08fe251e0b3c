/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Does an event stream tell what happened to a tree?
 *
 *	replay list ROOT >FIRST        the tree as it is: type, path, NUL
 *	replay check FIRST ROOT <STREAM
 *
 * check plays the records of the stream (one JSON object a line) over FIRST:
 * created and edited add a path, deleted drops it and all below it, renamed moves
 * it with all below it.  The outcome must be the tree as it is now.  Every line must
 * be a whole record, and seq must grow by one.  -x NAME leaves out what has that
 * name at the top (.filemon always); -s lets seq begin anywhere and have holes.
 */

#include <cjson/cJSON.h>
#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SKIP_MAX = 16 };

/* Each entry is "d" or "f" (not a directory) and the relative path. */
struct tree {
	char **v;
	size_t n, cap;
};

static const char *skip[SKIP_MAX] = { ".filemon" };
static int skips = 1;
static bool loose;
static int faults;

static void
fault(const char *what, const char *path, unsigned long line)
{
	faults++;
	if (line > 0)
		printf("line %lu: ", line);
	printf("%s: ", what);
	for (; *path != '\0'; path++)
		printf(*path < 0x20 || *path == 0x7f ? "\\%03o" : "%c",
		    (unsigned char)*path);
	putchar('\n');
}

static ssize_t
tree_find(const struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i] + 1, path) == 0)
			return (ssize_t)i;
	return -1;
}

static void
tree_add(struct tree *t, char type, const char *path)
{
	ssize_t i = tree_find(t, path);

	if (i != -1) {
		t->v[i][0] = type;
		return;
	}
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 64;
		if ((t->v = realloc(t->v, t->cap * sizeof(*t->v))) == NULL)
			err(2, "realloc");
	}
	if (asprintf(&t->v[t->n++], "%c%s", type, path) == -1)
		err(2, "asprintf");
}

static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static void
tree_drop(struct tree *t, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		if (is_below(t->v[i] + 1, path))
			free(t->v[i]);
		else
			t->v[kept++] = t->v[i];
	t->n = kept;
}

static void
tree_move(struct tree *t, const char *from, const char *to, char type)
{
	char *old;

	tree_drop(t, to);
	for (size_t i = 0; i < t->n; i++) {
		old = t->v[i];
		if (!is_below(old + 1, from))
			continue;
		if (asprintf(&t->v[i], "%c%s%s", old[0], to, old + 1 + strlen(from)) ==
		    -1)
			err(2, "asprintf");
		free(old);
	}
	tree_add(t, type, to);
}

static void
tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
}

static int
entry_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static bool
skipped(const char *name)
{
	for (int i = 0; i < skips; i++)
		if (strcmp(skip[i], name) == 0)
			return true;
	return false;
}

static void
tree_read(struct tree *t, const char *root, const char *rel)
{
	char *path = NULL, *sub = NULL;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (asprintf(&path, "%s/%s", root, rel) == -1 || (d = opendir(path)) == NULL)
		err(2, "%s/%s", root, rel);
	free(path);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (*rel == '\0' && skipped(e->d_name)))
			continue;
		if (asprintf(&sub, "%s%s%s", rel, *rel ? "/" : "", e->d_name) == -1 ||
		    asprintf(&path, "%s/%s", root, sub) == -1 || lstat(path, &st) == -1)
			err(2, "%s/%s", rel, e->d_name);
		tree_add(t, S_ISDIR(st.st_mode) ? 'd' : 'f', sub);
		if (S_ISDIR(st.st_mode))
			tree_read(t, root, sub);
		free(sub);
		free(path);
	}
	closedir(d);
}

static void
tree_load(struct tree *t, const char *file)
{
	FILE *f = fopen(file, "r");
	char *entry = NULL;
	size_t cap = 0;

	if (f == NULL)
		err(2, "%s", file);
	while (getdelim(&entry, &cap, '\0', f) > 1)
		tree_add(t, entry[0], entry + 1);
	free(entry);
	fclose(f);
}

static char *
decode_base64(const char *s)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = calloc(1, strlen(s) + 1), *p = out;
	const char *digit;
	uint32_t bits = 0;
	int n = 0;

	for (; *s != '\0' && *s != '='; s++) {
		if ((digit = strchr(digits, *s)) == NULL)
			break;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if ((n += 6) >= 8)
			*p++ = (char)(bits >> (n -= 8));
	}
	return out;
}

/* A path of a record, relative to the root; NULL where there is none. */
static char *
path_of(const cJSON *record, const char *name, const char *root)
{
	char b64[64], *path, *rel;
	const cJSON *item;

	snprintf(b64, sizeof(b64), "%s_b64", name);
	if (cJSON_IsString(item = cJSON_GetObjectItemCaseSensitive(record, b64)))
		path = decode_base64(item->valuestring);
	else if (cJSON_IsString(item = cJSON_GetObjectItemCaseSensitive(record, name)))
		path = strdup(item->valuestring);
	else
		return NULL;
	rel = path;
	if (*path == '/' && is_below(path, root))
		rel = path + strlen(root) + (path[strlen(root)] == '/');
	rel = strdup(rel);
	free(path);
	return rel;
}

/* `from` stands in event_type; its exact bytes may stand there or beside it. */
static char *
old_path_of(const cJSON *record, const cJSON *type, const char *root)
{
	if (cJSON_HasObjectItem(record, "from_b64"))
		return path_of(record, "from", root);
	return path_of(type, "from", root);
}

static void
play(struct tree *t, const cJSON *record, const char *root, unsigned long line)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(record, "event_type");
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(type, "type"));
	char *path = path_of(record, "file_path", root), *from = NULL;
	char kind = cJSON_IsTrue(cJSON_GetObjectItem(record, "is_dir")) ? 'd' : 'f';

	if (name == NULL) {
		fault("record without a type", path != NULL ? path : "", line);
	} else if (path == NULL || *path == '\0') {
		;
	} else if (strcmp(name, "created") == 0 || strcmp(name, "edited") == 0) {
		tree_add(t, kind, path);
	} else if (strcmp(name, "deleted") == 0) {
		tree_drop(t, path);
	} else if (strcmp(name, "renamed") == 0) {
		if ((from = old_path_of(record, type, root)) == NULL)
			fault("renamed without from", path, line);
		else
			tree_move(t, from, path, kind);
	}
	free(path);
	free(from);
}

static void
check_seq(const cJSON *record, unsigned long line)
{
	static double last;
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(record, "seq");

	if (!cJSON_IsNumber(seq))
		fault("no seq", "", line);
	else if (!loose && last != 0 && seq->valuedouble != last + 1)
		fault("seq does not follow", "", line);
	else
		last = seq->valuedouble;
}

static void
play_stream(struct tree *t, const char *root)
{
	char *text = NULL;
	unsigned long line = 0;
	size_t cap = 0;
	cJSON *record;
	ssize_t n;

	while ((n = getline(&text, &cap, stdin)) > 0) {
		line++;
		record = text[n - 1] == '\n' ? cJSON_Parse(text) : NULL;
		if (record == NULL) {
			fault("not a record", text, line);
			continue;
		}
		check_seq(record, line);
		play(t, record, root, line);
		cJSON_Delete(record);
	}
	free(text);
}

static void
compare(struct tree *told, struct tree *real)
{
	size_t i = 0, j = 0;
	int c;

	qsort(told->v, told->n, sizeof(*told->v), entry_cmp);
	qsort(real->v, real->n, sizeof(*real->v), entry_cmp);
	while (i < told->n || j < real->n) {
		c = i == told->n   ? 1
		    : j == real->n ? -1
				   : entry_cmp(&told->v[i], &real->v[j]);
		if (c < 0)
			fault("told, and not there", told->v[i], 0);
		else if (c > 0)
			fault("there, and not told", real->v[j], 0);
		else if (told->v[i][0] != real->v[j][0])
			fault("told as another type", told->v[i], 0);
		i += c <= 0;
		j += c >= 0;
	}
}

static int
check(const char *first, const char *root)
{
	struct tree told = { NULL, 0, 0 }, real = { NULL, 0, 0 };

	tree_load(&told, first);
	play_stream(&told, root);
	tree_read(&real, root, "");
	compare(&told, &real);
	printf("%zu paths, %d faults\n", real.n, faults);
	tree_free(&told);
	tree_free(&real);
	return faults > 0;
}

static int
print_list(const char *root)
{
	struct tree t = { NULL, 0, 0 };

	tree_read(&t, root, "");
	for (size_t i = 0; i < t.n; i++)
		fwrite(t.v[i], 1, strlen(t.v[i]) + 1, stdout);
	tree_free(&t);
	return fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "x:s")) != -1)
		if (c == 's')
			loose = true;
		else if (c == 'x' && skips < SKIP_MAX)
			skip[skips++] = optarg;
		else
			return 64;
	argc -= optind;
	argv += optind;
	if (argc == 2 && strcmp(argv[0], "list") == 0)
		return print_list(argv[1]);
	if (argc == 3 && strcmp(argv[0], "check") == 0)
		return check(argv[1], argv[2]);
	errx(64, "usage: replay [-x NAME]... [-s] list ROOT | check FIRST ROOT");
}
