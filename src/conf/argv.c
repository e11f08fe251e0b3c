/* SPDX-License-Identifier: ISC */
#include "conf/argv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "conf/placeholder.h"

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void
put_path(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, v->path);
}

static void
put_relpath(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, v->relpath);
}

static void
put_root(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, v->root);
}

static void
put_name(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, base_name(v->path));
}

static void
put_dir(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	size_t n = (size_t)(base_name(v->path) - v->path);
	buf_add(out, v->path, n > 1 ? n - 1 : n);
}

/* What follows the last dot; the dot of a hidden file starts no extension. */
static void
put_ext(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	const char *name = base_name(v->path), *dot = strrchr(name, '.');
	if (dot && dot != name)
		buf_adds(out, dot + 1);
}

static void
put_event(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, v->event);
}

static void
put_old_path(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	if (v->old_path)
		buf_adds(out, v->old_path);
}

static void
put_attempt(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_addi(out, v->attempt);
}

static void
put_id(struct buf *out, const void *values)
{
	const struct argv_values *v = values;

	buf_adds(out, v->id);
}

static const struct placeholder of_handlers[] = {
	{ "path", put_path },
	{ "relpath", put_relpath },
	{ "root", put_root },
	{ "name", put_name },
	{ "dir", put_dir },
	{ "ext", put_ext },
	{ "event", put_event },
	{ "old_path", put_old_path },
	{ "attempt", put_attempt },
	{ "id", put_id },
};
static const struct placeholders handlers = { of_handlers, COUNTOF(of_handlers) };

static void
put_alert(struct buf *out, const void *values)
{
	buf_adds(out, ((const struct argv_alert *)values)->name);
}

static void
put_rule(struct buf *out, const void *values)
{
	buf_adds(out, ((const struct argv_alert *)values)->rule);
}

static void
put_value(struct buf *out, const void *values)
{
	buf_adds(out, ((const struct argv_alert *)values)->value);
}

static void
put_threshold(struct buf *out, const void *values)
{
	buf_adds(out, ((const struct argv_alert *)values)->threshold);
}

static const struct placeholder of_alerts[] = {
	{ "name", put_alert },
	{ "rule", put_rule },
	{ "value", put_value },
	{ "threshold", put_threshold },
};
static const struct placeholders alerts = { of_alerts, COUNTOF(of_alerts) };

int
argv_check(const struct strlist *templ, char *error, size_t size)
{
	return placeholder_check(&handlers, templ, error, size);
}

int
argv_check_alert(const struct strlist *templ, char *error, size_t size)
{
	return placeholder_check(&alerts, templ, error, size);
}

char **
argv_build(const struct strlist *templ, const struct argv_values *values)
{
	char **argv = xcalloc(templ->n + 3, sizeof(*argv));
	size_t n = 0;
	bool used = false;
	for (; n < templ->n; n++)
		argv[n] = placeholder_expand(&handlers, templ->v[n], values, &used);
	if (!used && values->old_path && *values->old_path)
		argv[n++] = xstrdup(values->old_path);
	if (!used)
		argv[n++] = xstrdup(values->path);
	return argv;
}

char **
argv_build_alert(const struct strlist *templ, const struct argv_alert *values)
{
	char **argv = xcalloc(templ->n + 1, sizeof(*argv));
	bool used = false;
	for (size_t i = 0; i < templ->n; i++)
		argv[i] = placeholder_expand(&alerts, templ->v[i], values, &used);
	return argv;
}

void
argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* s is behind the opening quote; returns what follows the closing one, or NULL. */
static const char *
read_quoted(const char *s, char quote, struct buf *word)
{
	for (; *s && *s != quote; s++) {
		if (quote == '"' && *s == '\\' && s[1] && strchr("$`\"\\\n", s[1])) {
			if (*++s == '\n')
				continue;
		}
		buf_addc(word, *s);
	}
	return *s ? s + 1 : NULL;
}

/* One word from s on; NULL with error. */
static const char *
read_word(const char *s, struct buf *word, char *error, size_t size)
{
	buf_reset(word);
	buf_adds(word, "");
	while (*s && !strchr(" \t\n", *s)) {
		char c = *s++;
		if (c == '\'' || c == '"') {
			const char *start = s - 1;
			if (!(s = read_quoted(s, c, word))) {
				snprintf(error, size, "the quote at %.30s is not closed",
				    start);
				return NULL;
			}
		} else if (c == '\\' && *s == '\0') {
			snprintf(error, size, "a backslash stands at the end");
			return NULL;
		} else if (c == '\\' && *s == '\n') {
			s++;
		} else {
			buf_addc(word, c == '\\' ? *s++ : c);
		}
	}
	return s;
}

int
argv_split(const char *line, struct strlist *out, char *error, size_t size)
{
	struct buf word = BUF_INIT;
	*out = (struct strlist){ NULL, 0 };
	while (*(line += strspn(line, " \t\n"))) {
		if (!(line = read_word(line, &word, error, size))) {
			strlist_release(out);
			break;
		}
		strlist_add(out, word.p);
	}
	buf_release(&word);
	return line ? 0 : -1;
}

void
strlist_release(struct strlist *list)
{
	argv_free(list->v);
	*list = (struct strlist){ NULL, 0 };
}

void
strlist_add(struct strlist *list, const char *s)
{
	list->v = xreallocarray(list->v, list->n + 2, sizeof(*list->v));
	list->v[list->n++] = xstrdup(s);
	list->v[list->n] = NULL;
}
