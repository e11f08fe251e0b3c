/* SPDX-License-Identifier: ISC */
#include "eventlog/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/xmalloc.h"

#define DIGITS 20

void
name_format(uint64_t first, enum name_form form, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%0*" PRIu64 "%s", DIGITS, first,
	    form == FORM_PACKED ? NAME_PACKED : NAME_PLAIN);
}

bool
name_parse(const char *name, uint64_t *first, enum name_form *form)
{
	if (strspn(name, "0123456789") != DIGITS)
		return false;
	if (strcmp(name + DIGITS, NAME_PLAIN) == 0)
		*form = FORM_PLAIN;
	else if (strcmp(name + DIGITS, NAME_PACKED) == 0)
		*form = FORM_PACKED;
	else
		return false;
	errno = 0;
	*first = strtoull(name, NULL, 10);
	return errno == 0 && *first < INT64_MAX;
}

static void
add(struct names *names, uint64_t first, enum name_form form)
{
	/* Room is doubled when n is a power of two. */
	if ((names->n & (names->n - 1)) == 0)
		names->v = xreallocarray(
		    names->v, names->n == 0 ? 1 : names->n * 2, sizeof(*names->v));
	names->v[names->n++] = (struct segment_name){ first, form };
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = ((const struct segment_name *)a)->first;
	uint64_t y = ((const struct segment_name *)b)->first;
	return x < y ? -1 : x > y;
}

/* Two forms of a segment stand side by side now: one entry for both. */
static void
merge(struct names *names)
{
	size_t n = 0;
	for (size_t i = 0; i < names->n; i++) {
		if (n > 0 && names->v[n - 1].first == names->v[i].first)
			names->v[n - 1].forms |= names->v[i].forms;
		else
			names->v[n++] = names->v[i];
	}
	names->n = n;
}

int
names_list(int dirfd, struct names *names)
{
	enum name_form form;
	uint64_t first;
	*names = (struct names){ NULL, 0 };
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return -1;
	}
	errno = 0;
	for (const struct dirent *e; (e = readdir(dir)) != NULL; errno = 0)
		if (name_parse(e->d_name, &first, &form))
			add(names, first, form);
	int saved = errno;
	closedir(dir);
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), compare);
	merge(names);
	if (saved != 0)
		names_release(names);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

void
names_release(struct names *names)
{
	free(names->v);
	*names = (struct names){ NULL, 0 };
}

size_t
names_find(const struct names *names, uint64_t seq)
{
	size_t low = 0, high = names->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (names->v[middle].first <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : 0;
}
