/* SPDX-License-Identifier: ISC */
#include "conf/kind.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

static int
set_string(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	char **string = member;
	(void)row, (void)refusal;
	free(*string);
	*string = xstrdup(values->v[0]);
	return 0;
}

void
option_quote(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || (s[0] == '$' && s[1] == '{'))
			buf_addf(out, "\\%c", *s);
		else if (iscntrl((unsigned char)*s))
			buf_addf(out, "\\x%02x", (unsigned char)*s);
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void
format_string(const struct option *row, const void *member, struct buf *out)
{
	const char *string = *(char *const *)member;
	(void)row;
	if (string)
		option_quote(out, string);
}

static void
release_string(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

/* The index of the word s in "a|b|c", or -1. */
static int
choice_index(const char *choices, const char *s)
{
	size_t len = strlen(s);
	for (int i = 0; choices; i++) {
		size_t n = strcspn(choices, "|");
		if (n == len && n > 0 && strncmp(choices, s, n) == 0)
			return i;
		choices = choices[n] == '|' ? choices + n + 1 : NULL;
	}
	return -1;
}

static void
add_choice(struct buf *out, const char *choices, unsigned index)
{
	while (index-- > 0)
		choices += strcspn(choices, "|") + 1;
	buf_add(out, choices, strcspn(choices, "|"));
}

/* "a, b, c": those of the row that this version has. */
static void
add_choices(struct buf *out, const struct option *row, const char *between)
{
	struct buf word = BUF_INIT;
	unsigned n = 1, count = 0;
	for (const char *p = row->choices; (p = strchr(p, '|')); p++)
		n++;
	for (unsigned i = 0; i < n; i++) {
		buf_reset(&word);
		add_choice(&word, row->choices, i);
		if (choice_index(row->planned, word.p) == -1)
			buf_addf(out, "%s%s", count++ > 0 ? between : "", word.p);
	}
	buf_release(&word);
}

static int
set_choice(const struct option *row, void *member, const struct strlist *values,
    const struct refusal *refusal)
{
	const char *s = values->v[0];
	int i = choice_index(row->choices, s);
	bool planned = choice_index(row->planned, s) != -1;
	if (i != -1 && !planned) {
		*(unsigned *)member = (unsigned)i;
		return 0;
	}
	struct buf words = BUF_INIT;
	add_choices(&words, row, ", ");
	if (planned)
		kind_refuse(refusal,
		    "\"%s\" is not available in this version: %s is wanted", s, words.p);
	else
		kind_refuse(
		    refusal, "'%.60s' is unknown: one of %s is wanted", s, words.p);
	buf_release(&words);
	return -1;
}

static void
format_choice(const struct option *row, const void *member, struct buf *out)
{
	add_choice(out, row->choices, *(const unsigned *)member);
}

static void
add_choice_words(const struct option *row, struct buf *out)
{
	add_choices(out, row, " ");
	buf_addc(out, ' ');
}

const struct kind kind_string = {
	.set = set_string,
	.format = format_string,
	.release = release_string,
};

const struct kind kind_choice = {
	.set = set_choice,
	.format = format_choice,
	.words = add_choice_words,
};
