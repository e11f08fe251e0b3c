/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
/*
 * Directories that were judged lately are cached, so that an event costs one
 * look-up and the matching of its own path.  A cached directory keeps its
 * ignore files and holds those above it; the cache is bounded and lossy.
 */
#include "policy/filter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/xmalloc.h"
#include "policy/ignore.h"

#define SLOTS 256
/* A directory with a longer path is judged anew each time. */
#define CACHED_PATH_MAX 1024

static const char *const default_ignores[] = { ".*", "*~", "*.tmp", "*.swp", "*.swx",
	"4913", ".#*", ".goutputstream-*", "*.metadata.json" };
/* The later one wins. */
static const char *const ignore_names[] = { ".gitignore", ".filemonignore" };
#define IGNORE_NAMES COUNTOF(ignore_names)

struct dir {
	struct dir *parent; /* held */
	unsigned refs;
	bool hidden;
	struct filter_rule rule;   /* that hides it */
	struct ignore_file *files; /* IGNORE_NAMES of them; NULL: not looked for */
	size_t len;
	char path[]; /* empty where it is too long to be cached */
};

struct own {
	char *path; /* relative to the root; "" hides everything; NULL: none */
	size_t len;
};

struct filter {
	char *root;
	char *source; /* of `ignore` */
	bool read_files;
	bool changed;
	struct own own[3]; /* state directory, control socket, the project's lock */
	struct globs *defaults, *ignore, *include;
	bool any_include;
	struct dir *top;
	struct dir *held; /* what the last rule told belongs to */
	struct dir *slots[SLOTS];
	/* The last answer: a path is often asked about twice in a row. */
	struct {
		struct buf path;
		bool known, is_dir, wanted;
	} last;
};

/* What is to be judged. */
struct subject {
	const char *path;
	size_t len;
	bool is_dir;
};

/* Where path is below root, as a relative path; else none. */
static struct own
own_new(const char *path, const char *root)
{
	size_t n = strlen(root), len = path ? strlen(path) : 0;
	while (n > 0 && root[n - 1] == '/')
		n--;
	if (!path || len == 0)
		return (struct own){ NULL, 0 };
	if (len <= n && memcmp(path, root, len) == 0 && (len == n || root[len] == '/'))
		return (struct own){ xstrdup(""), 0 };
	if (len <= n || memcmp(path, root, n) != 0 || path[n] != '/')
		return (struct own){ NULL, 0 };
	return (struct own){ xstrdup(path + n + 1), len - n - 1 };
}

static bool
own_has(const struct own *own, const char *path, size_t len)
{
	if (!own->path || len < own->len || memcmp(path, own->path, own->len) != 0)
		return false;
	return own->len == 0 || len == own->len || path[own->len] == '/';
}

static char *
ignore_path(const struct filter *f, const char *dir, size_t len, const char *name)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, f->root);
	buf_addc(&b, '/');
	buf_add(&b, dir, len);
	if (len > 0)
		buf_addc(&b, '/');
	buf_adds(&b, name);
	return b.p;
}

static struct dir *
dir_hold(struct dir *dir)
{
	dir->refs++;
	return dir;
}

static void
dir_drop(struct dir *dir)
{
	while (dir && --dir->refs == 0) {
		struct dir *parent = dir->parent;
		for (size_t i = 0; dir->files && i < IGNORE_NAMES; i++)
			ignore_release(&dir->files[i]);
		free(dir->files);
		free(dir);
		dir = parent;
	}
}

static struct filter_rule
rule_of(const struct glob_hit *hit, const char *source)
{
	return (struct filter_rule){ hit->pattern, source, hit->line };
}

/* The ignore files from dir up to the root: the nearest one decides. */
static bool
find_in_files(const struct dir *dir, const struct subject *s, struct glob_hit *hit,
    const char **source)
{
	for (; dir; dir = dir->parent) {
		size_t skip = dir->len + (dir->len > 0);
		for (size_t i = dir->files ? IGNORE_NAMES : 0; i-- > 0;) {
			const struct ignore_file *file = &dir->files[i];
			*source = file->path;
			if (file->globs &&
			    globs_find(file->globs, s->path + skip, s->len - skip,
				s->is_dir, hit))
				return true;
		}
	}
	return false;
}

/* Is the subject itself hidden, when the directory it is in is not? */
static bool
is_ignored(const struct filter *f, const struct dir *dir, const struct subject *s,
    struct filter_rule *rule)
{
	struct glob_hit hit = { NULL, 0, false };
	const char *source = NULL;
	if (globs_find(f->ignore, s->path, s->len, s->is_dir, &hit))
		source = f->source;
	else if (f->read_files && find_in_files(dir, s, &hit, &source))
		;
	else if (globs_find(f->defaults, s->path, s->len, s->is_dir, &hit))
		source = "default ignores";
	*rule = rule_of(&hit, hit.pattern ? source : NULL);
	return hit.pattern && !hit.negated;
}

static void
load_files(const struct filter *f, struct dir *dir, const char *path)
{
	dir->files = xcalloc(IGNORE_NAMES, sizeof(*dir->files));
	for (size_t i = 0; i < IGNORE_NAMES; i++)
		ignore_load(
		    &dir->files[i], ignore_path(f, path, dir->len, ignore_names[i]));
}

static struct dir *
dir_new(const struct filter *f, struct dir *parent, const char *path, size_t len)
{
	bool keep = len <= CACHED_PATH_MAX;
	struct dir *dir = xcalloc(1, sizeof(*dir) + (keep ? len : 0));
	dir->refs = 1;
	dir->len = len;
	if (keep)
		memcpy(dir->path, path, len);
	if (parent) {
		struct subject s = { path, len, true };
		dir->parent = dir_hold(parent);
		dir->hidden = is_ignored(f, parent, &s, &dir->rule);
	}
	if (f->read_files && !dir->hidden)
		load_files(f, dir, path);
	return dir;
}

static struct dir **
slot_of(struct filter *f, const char *path, size_t len)
{
	return &f->slots[hash_bytes(0, path, len) % SLOTS];
}

/* A cached directory, lent; NULL. */
static struct dir *
cache_find(struct filter *f, const char *path, size_t len)
{
	struct dir *dir = len > CACHED_PATH_MAX ? NULL : *slot_of(f, path, len);
	if (!dir || dir->len != len || memcmp(dir->path, path, len) != 0)
		return NULL;
	return dir;
}

static void
cache_put(struct filter *f, struct dir *dir)
{
	if (dir->len > CACHED_PATH_MAX)
		return;
	struct dir **slot = slot_of(f, dir->path, dir->len);
	dir_drop(*slot);
	*slot = dir_hold(dir);
}

static void
cache_clear(struct filter *f)
{
	for (size_t i = 0; i < SLOTS; i++) {
		dir_drop(f->slots[i]);
		f->slots[i] = NULL;
	}
	dir_drop(f->top);
	f->top = dir_new(f, NULL, "", 0);
	f->last.known = false;
}

/* The next directory of path below dir, which is held and given up for it. */
static struct dir *
dir_enter(struct filter *f, struct dir *dir, const char *path, size_t len)
{
	struct dir *next = cache_find(f, path, len);
	if (next) {
		dir_hold(next);
	} else {
		next = dir_new(f, dir, path, len);
		cache_put(f, next);
	}
	dir_drop(dir);
	return next;
}

/* The directory, or the one above it that is hidden; the caller drops it. */
static struct dir *
dir_get(struct filter *f, const char *path, size_t len)
{
	struct dir *dir = len > 0 ? cache_find(f, path, len) : f->top;
	if (dir)
		return dir_hold(dir);
	dir = dir_hold(f->top);
	for (size_t at = 0; at < len && !dir->hidden; at++) {
		const char *slash = memchr(path + at, '/', len - at);
		at = slash ? (size_t)(slash - path) : len;
		dir = dir_enter(f, dir, path, at);
	}
	return dir;
}

/* Are the ignore files of a directory as they were read? */
static bool
files_hold(const struct dir *dir)
{
	for (size_t i = 0; dir->files && i < IGNORE_NAMES; i++) {
		if (!ignore_holds(&dir->files[i]))
			return false;
	}
	return true;
}

static bool
is_ignore_file(const char *name, size_t len)
{
	for (size_t i = 0; i < IGNORE_NAMES; i++) {
		if (strlen(ignore_names[i]) == len &&
		    memcmp(name, ignore_names[i], len) == 0)
			return true;
	}
	return false;
}

static size_t
parent_len(const struct subject *s)
{
	const char *slash = s->len > 0 ? memrchr(s->path, '/', s->len) : NULL;
	return slash ? (size_t)(slash - s->path) : 0;
}

static bool
names_ignore_file(const struct subject *s)
{
	size_t dir = parent_len(s), skip = dir + (dir > 0);
	return s->len > skip && is_ignore_file(s->path + skip, s->len - skip);
}

/* Rules may have come, changed or gone with what is asked about. */
static void
look_again(struct filter *f, const struct subject *s)
{
	struct dir *dir = NULL;
	if (s->is_dir)
		dir = s->len > 0 ? cache_find(f, s->path, s->len) : f->top;
	else if (names_ignore_file(s))
		dir = dir_get(f, s->path, parent_len(s));
	if (!dir)
		return;
	if (!files_hold(dir)) {
		f->changed = true;
		cache_clear(f);
	}
	if (!s->is_dir)
		dir_drop(dir);
}

static bool
is_own(const struct filter *f, const struct subject *s)
{
	for (size_t i = 0; i < COUNTOF(f->own); i++) {
		if (own_has(&f->own[i], s->path, s->len))
			return true;
	}
	return false;
}

static bool
judge(struct filter *f, const struct subject *s, struct filter_rule *rule)
{
	if (is_own(f, s)) {
		rule->source = "state directory";
		return false;
	}
	if (s->len == 0)
		return true;
	dir_drop(f->held);
	f->held = dir_get(f, s->path, parent_len(s));
	if (f->held->hidden) {
		*rule = f->held->rule;
		return false;
	}
	if (is_ignored(f, f->held, s, rule))
		return false;
	if (s->is_dir || !f->any_include ||
	    globs_match(f->include, s->path, s->len, false))
		return true;
	*rule = (struct filter_rule){ NULL, "include", 0 };
	return false;
}

static bool
is_last(const struct filter *f, const struct subject *s)
{
	return f->last.known && f->last.is_dir == s->is_dir &&
	    f->last.path.len == s->len && memcmp(f->last.path.p, s->path, s->len) == 0;
}

static void
keep_last(struct filter *f, const struct subject *s, bool wanted)
{
	buf_reset(&f->last.path);
	buf_add(&f->last.path, s->path, s->len);
	f->last.is_dir = s->is_dir;
	f->last.wanted = wanted;
	f->last.known = true;
}

bool
filter_want(
    struct filter *f, const char *path, size_t len, bool is_dir, struct filter_rule *rule)
{
	struct subject s = { path, len, is_dir };
	struct filter_rule found = { NULL, NULL, 0 };
	if (f->read_files)
		look_again(f, &s);
	if (!rule && is_last(f, &s))
		return f->last.wanted;
	bool wanted = judge(f, &s, &found);
	keep_last(f, &s, wanted);
	if (rule)
		*rule = found;
	return wanted;
}

bool
filter_forget(struct filter *f, const char *path, size_t len)
{
	struct subject s = { path, len, false };
	if (!f->read_files || !names_ignore_file(&s))
		return false;
	cache_clear(f);
	return true;
}

bool
filter_take_changed(struct filter *f)
{
	bool changed = f->changed;
	f->changed = false;
	return changed;
}

uint64_t
filter_rules(void)
{
	uint64_t hash = 1; /* another number where globs mean something else */
	for (size_t i = 0; i < COUNTOF(default_ignores); i++)
		hash = hash_bytes(hash, default_ignores[i], strlen(default_ignores[i]));
	for (size_t i = 0; i < IGNORE_NAMES; i++)
		hash = hash_bytes(hash, ignore_names[i], strlen(ignore_names[i]));
	return hash;
}

struct filter *
filter_new(const struct config *config, const char *root)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	f->root = xstrdup(strcmp(root, "/") == 0 ? "" : root);
	f->source = xstrdup(config->ignore_by_option ? "-o ignore"
		: config->file			     ? config->file
						     : "ignore");
	f->read_files = config->gitignore;
	f->own[0] = own_new(config->state_dir, root);
	f->own[1] = own_new(config->control_socket, root);
	char *lock =
	    config->project ? xasprintf("%s/.filemon/lock", config->project) : NULL;
	f->own[2] = own_new(lock, root);
	free(lock);
	f->defaults = globs_new(NULL);
	for (size_t i = 0; config->default_ignores && i < COUNTOF(default_ignores); i++)
		globs_add(f->defaults, default_ignores[i], strlen(default_ignores[i]), 0);
	f->ignore = globs_new(&config->ignore);
	f->include = globs_new(&config->include);
	f->any_include = config->include.n > 0;
	f->top = dir_new(f, NULL, "", 0);
	return f;
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		dir_drop(f->slots[i]);
	dir_drop(f->held);
	dir_drop(f->top);
	for (size_t i = 0; i < COUNTOF(f->own); i++)
		free(f->own[i].path);
	buf_release(&f->last.path);
	globs_free(f->defaults);
	globs_free(f->ignore);
	globs_free(f->include);
	free(f->source);
	free(f->root);
	free(f);
}
