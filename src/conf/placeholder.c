/* SPDX-License-Identifier: ISC */
#include "conf/placeholder.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 40

/* s is just behind the opening brace; *len is up to the closing one. */
static const struct placeholder *
find(const struct placeholders *all, const char *s, size_t *len)
{
	*len = strcspn(s, "}");
	if (s[*len] == '\0')
		return NULL;
	for (size_t i = 0; i < all->n; i++)
		if (strncmp(all->v[i].name, s, *len) == 0 && all->v[i].name[*len] == '\0')
			return &all->v[i];
	return NULL;
}

/* s is at the opening brace, len bytes before the closing one. */
static void
tell_unknown(
    const struct placeholders *all, const char *s, size_t len, char *error, size_t size)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < all->n; i++)
		buf_addf(&names, "%s{%s}", i > 0 ? " " : "", all->v[i].name);
	snprintf(error, size, "'%.*s' is no placeholder: %s are, a brace is written {{",
	    (int)(len < SHOWN_MAX ? len + 2 : SHOWN_MAX), s, names.p);
	buf_release(&names);
}

static int
check_word(const struct placeholders *all, const char *s, char *error, size_t size)
{
	size_t len;

	for (; (s = strchr(s, '{')) != NULL; s++) {
		if (s[1] == '{') {
			s++;
			continue;
		}
		if (find(all, s + 1, &len) != NULL)
			continue;
		if (s[1 + len] == '\0')
			snprintf(error, size,
			    "'%.60s' is an open brace: a brace is written {{", s);
		else
			tell_unknown(all, s, len, error, size);
		return -1;
	}
	return 0;
}

int
placeholder_check(
    const struct placeholders *all, const struct strlist *words, char *error, size_t size)
{
	for (size_t i = 0; i < words->n; i++)
		if (check_word(all, words->v[i], error, size) == -1)
			return -1;
	return 0;
}

char *
placeholder_expand(
    const struct placeholders *all, const char *s, const void *values, bool *used)
{
	struct buf out = BUF_INIT;
	const struct placeholder *p;
	size_t len;

	buf_adds(&out, "");
	for (; *s != '\0'; s++) {
		if (s[0] == '{' && s[1] == '{') {
			buf_addc(&out, *s++);
		} else if (s[0] == '{' && (p = find(all, s + 1, &len)) != NULL) {
			p->put(&out, values);
			s += len + 1;
			*used = true;
		} else {
			buf_addc(&out, *s);
		}
	}
	return out.p;
}
