/* SPDX-License-Identifier: ISC */
#include "conf/kind.h"

#include <stdio.h>
#include <string.h>

#include "base/xmalloc.h"
#include "conf/config.h"

static int
set_list(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	struct strlist *list = member;
	(void)row, (void)refusal;
	strlist_release(list);
	list->v = xcalloc(1, sizeof(*list->v));
	for (size_t i = 0; i < values->n; i++)
		strlist_add(list, values->v[i]);
	return 0;
}

static void
add_element(struct buf *out, size_t *n)
{
	buf_adds(out, (*n)++ > 0 ? ", " : "{ ");
}

static void
end_elements(struct buf *out, size_t n)
{
	buf_adds(out, n > 0 ? " }" : "{}");
}

static void
format_list(const struct option *row, const void *member, struct buf *out)
{
	const struct strlist *list = member;
	size_t n = 0;
	(void)row;
	while (n < list->n) {
		const char *s = list->v[n];
		add_element(out, &n);
		option_quote(out, s);
	}
	end_elements(out, n);
}

static void
release_list(void *member)
{
	strlist_release(member);
}

/* "7" or "64-68". */
static int
add_codes(struct exit_set *set, const char *s)
{
	unsigned first, last;
	int end = 0;
	if (strspn(s, "0123456789-") != strlen(s) || strlen(s) > 7)
		return -1;
	if (sscanf(s, "%3u-%3u%n", &first, &last, &end) < 2 || s[end] != '\0') {
		end = 0;
		if (sscanf(s, "%3u%n", &first, &end) != 1 || s[end] != '\0')
			return -1;
		last = first;
	}
	if (first > last || last > 255)
		return -1;
	for (unsigned code = first; code <= last; code++)
		set->bits[code / 64] |= UINT64_C(1) << code % 64;
	return 0;
}

static int
set_exits(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	struct exit_set set = { { 0 } };
	if (values->n < (size_t)row->min)
		return kind_refuse(
		    refusal, "the list is empty: at least one exit code is wanted");
	for (size_t i = 0; i < values->n; i++)
		if (add_codes(&set, values->v[i]) == -1)
			return kind_refuse(refusal,
			    "'%.60s' is no exit code: 0 to 255, or a range like "
			    "\"64-68\", is wanted",
			    values->v[i]);
	*(struct exit_set *)member = set;
	return 0;
}

bool
exit_set_has(const struct exit_set *set, int code)
{
	return code >= 0 && code < 256 && (set->bits[code / 64] >> code % 64 & 1);
}

static void
format_exits(const struct option *row, const void *member, struct buf *out)
{
	const struct exit_set *set = member;
	size_t n = 0;
	(void)row;
	for (int code = 0; code < 256; code++) {
		int first = code;
		if (!exit_set_has(set, code))
			continue;
		while (exit_set_has(set, code + 1))
			code++;
		add_element(out, &n);
		if (first == code)
			buf_addi(out, code);
		else
			buf_addf(out, "\"%d-%d\"", first, code);
	}
	end_elements(out, n);
}

/* Names, each a bit in the order of the list, up to NULL. */
static int
set_names(unsigned *member, const struct strlist *values, const char *const *names,
    const char *wanted, const struct refusal *refusal)
{
	unsigned bits = 0;
	for (size_t i = 0; i < values->n; i++) {
		size_t t = 0;
		while (names[t] && strcmp(names[t], values->v[i]) != 0)
			t++;
		if (!names[t])
			return kind_refuse(
			    refusal, "'%.60s' is unknown: %s", values->v[i], wanted);
		bits |= 1U << t;
	}
	*member = bits;
	return 0;
}

static void
format_names(unsigned bits, const char *const *names, struct buf *out)
{
	size_t n = 0;
	for (size_t t = 0; names[t]; t++) {
		if (!(bits & 1U << t))
			continue;
		add_element(out, &n);
		buf_adds(out, names[t]);
	}
	end_elements(out, n);
}

static const char *const enrich_names[] = { "process", "user", "session", "git", NULL };

static int
set_enrich(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	(void)row;
	return set_names(member, values, enrich_names,
	    "process, user, session or git is wanted", refusal);
}

static void
format_enrich(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	format_names(*(const unsigned *)member, enrich_names, out);
}

static const char *const type_names[] = { "file", "dir", "symlink", "other", NULL };

static int
set_types(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	(void)row;
	if (values->n == 0)
		return kind_refuse(refusal,
		    "the list is empty: some of file, dir, symlink, other are wanted");
	return set_names(member, values, type_names,
	    "some of file, dir, symlink, other are wanted", refusal);
}

static void
format_types(const struct option *row, const void *member, struct buf *out)
{
	(void)row;
	format_names(*(const unsigned *)member, type_names, out);
}

const struct kind kind_list = {
	.set = set_list,
	.format = format_list,
	.release = release_list,
	.is_list = true,
};

const struct kind kind_exits = {
	.set = set_exits,
	.format = format_exits,
	.is_list = true,
};

static void
add_names(const char *const *names, struct buf *out)
{
	for (; *names; names++)
		buf_addf(out, "%s ", *names);
}

static void
add_enrich_words(const struct option *row, struct buf *out)
{
	(void)row;
	add_names(enrich_names, out);
}

static void
add_type_words(const struct option *row, struct buf *out)
{
	(void)row;
	add_names(type_names, out);
}

const struct kind kind_enrich = {
	.set = set_enrich,
	.format = format_enrich,
	.words = add_enrich_words,
	.is_list = true,
};

const struct kind kind_types = {
	.set = set_types,
	.format = format_types,
	.words = add_type_words,
	.is_list = true,
};
