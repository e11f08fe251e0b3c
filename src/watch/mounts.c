/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/watch_priv.h"

#define BYTES_MAX 16384
#define GOOD_FOR 1000 /* directories */
#define POINT 4	      /* the field, after so many */

void
mounts_forget(struct mounts *m)
{
	free(m->paths);
	*m = (struct mounts){ 0 };
}

/* Undoes \040 and the like, which stand for what would end the field. */
static size_t
unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p != '\0'; out++) {
		if (p[0] == '\\' && p[1] != '\0' && p[2] != '\0' && p[3] != '\0') {
			*out =
			    (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*out = *p++;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

static bool
add(struct mounts *m, const char *path, size_t len)
{
	char *paths;

	if (m->len + len + 1 > BYTES_MAX ||
	    (paths = realloc(m->paths, m->len + len + 1)) == NULL)
		return false;
	memcpy(paths + m->len, path, len + 1);
	m->paths = paths;
	m->len += len + 1;
	return true;
}

static bool
take_line(struct fm_watch *w, char *line)
{
	char *point = NULL;
	size_t len;

	for (int i = 0; i <= POINT; i++)
		point = strsep(&line, " \n");
	if (point == NULL || (len = unescape(point)) <= w->prefix_len ||
	    memcmp(point, w->prefix, w->prefix_len) != 0)
		return point != NULL;
	return add(&w->mounts, point + w->prefix_len, len - w->prefix_len);
}

static bool
read_all(struct fm_watch *w)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t cap = 0;
	bool good = file != NULL;

	while (good && getline(&line, &cap, file) > 0)
		good = take_line(w, line);
	good = good && !ferror(file);
	free(line);
	if (file != NULL)
		fclose(file);
	return good;
}

bool
mounts_may_be_at(struct fm_watch *w, const char *path, size_t len)
{
	struct mounts *m = &w->mounts;
	const char *end;

	if (!m->known || w->listed - m->listed > GOOD_FOR) {
		mounts_forget(m);
		m->anywhere = !read_all(w);
		m->known = true;
		m->listed = w->listed;
	}
	if (m->anywhere || m->len == 0)
		return m->anywhere;
	end = m->paths + m->len;
	for (const char *p = m->paths; p < end; p += strlen(p) + 1)
		if (strlen(p) == len && memcmp(p, path, len) == 0)
			return true;
	return false;
}
