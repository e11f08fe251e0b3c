/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watch/dirnames.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room that is kept between directories. */
#define KEEP 4096
#define BYTES_KEEP 65536

void
dirnames_begin(struct dirnames *names)
{
	names->count = names->next = names->bytes_len = 0;
	names->after[0] = '\0';
	names->left = false;
	names->reading = true;
}

/* More than most was never asked for. */
static int
grow(void **at, size_t *cap, size_t size, size_t most)
{
	size_t want = *cap * 2 + 1024 / size < most ? *cap * 2 + 1024 / size : most;
	void *p = realloc(*at, want * size);

	if (p == NULL)
		return -1;
	*at = p;
	*cap = want;
	return 0;
}

static int
reserve(struct dirnames *names, size_t len)
{
	void *list = names->list, *bytes = names->bytes;
	int rc = 0;

	if (names->count == names->cap)
		rc = grow(&list, &names->cap, sizeof(*names->list), names->most);
	if (rc == 0 && names->bytes_len + len > names->bytes_cap)
		rc = grow(&bytes, &names->bytes_cap, 1, names->bytes_most + NAME_MAX + 1);
	names->list = list;
	names->bytes = bytes;
	return rc;
}

static const char *
text(const struct dirnames *names, size_t i)
{
	return names->bytes + names->list[i].at;
}

/* strcmp compares bytes as memcmp does, and names have no NUL. */
static int
compare(const void *a, const void *b, void *bytes)
{
	const struct dirname *x = a, *y = b;

	return strcmp((const char *)bytes + x->at, (const char *)bytes + y->at);
}

static void
sort(struct dirnames *names)
{
	if (names->count > 1)
		qsort_r(names->list, names->count, sizeof(*names->list), compare,
		    names->bytes);
}

/* The half of them that comes first is kept. */
static int
cut(struct dirnames *names)
{
	char *bytes = malloc(names->bytes_cap);
	size_t len = 0;

	if (bytes == NULL)
		return -1;
	sort(names);
	names->count /= 2;
	for (size_t i = 0; i < names->count; i++) {
		memcpy(bytes + len, text(names, i), names->list[i].len + 1U);
		names->list[i].at = (uint32_t)len;
		len += names->list[i].len + 1U;
	}
	free(names->bytes);
	names->bytes = bytes;
	names->bytes_len = len;
	names->bound = names->list[names->count - 1].at;
	names->left = true;
	return 0;
}

static bool
is_full(const struct dirnames *names)
{
	return names->count > 1 &&
	    (names->count >= names->most || names->bytes_len >= names->bytes_most);
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static bool
is_of_portion(const struct dirnames *names, const char *name)
{
	return !is_dots(name) && strcmp(name, names->after) > 0 &&
	    (!names->left || strcmp(name, names->bytes + names->bound) < 0);
}

static int
add(struct dirnames *names, const struct dirent64 *entry)
{
	size_t len = strlen(entry->d_name);

	if (len > NAME_MAX || !is_of_portion(names, entry->d_name))
		return 0; /* the one can be asked for by no path */
	if (is_full(names)) {
		if (cut(names) == -1)
			return -1;
		if (!is_of_portion(names, entry->d_name))
			return 0;
	}
	if (reserve(names, len + 1) == -1)
		return -1;
	names->list[names->count++] =
	    (struct dirname){ (uint32_t)names->bytes_len, (uint8_t)len, entry->d_type };
	memcpy(names->bytes + names->bytes_len, entry->d_name, len + 1);
	names->bytes_len += len + 1;
	return 0;
}

int
dirnames_read(struct dirnames *names, int fd, char *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < names->slice && (n = getdents64(fd, buf, size)) != 0) {
		if (n == -1)
			return -1;
		for (char *p = buf; p < buf + n; done++) {
			const struct dirent64 *entry = (const void *)p;

			p += entry->d_reclen;
			if (add(names, entry) == -1)
				return -1;
		}
	}
	if (done >= names->slice)
		return 1;
	sort(names);
	names->reading = false;
	return 0;
}

int
dirnames_again(struct dirnames *names, int fd)
{
	if (!names->left)
		return 0;
	if (lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	memcpy(names->after, text(names, names->count - 1),
	    names->list[names->count - 1].len + 1U);
	names->count = names->next = names->bytes_len = 0;
	names->left = false;
	names->reading = true;
	return 1;
}

void
dirnames_rest(struct dirnames *names)
{
	names->count = names->next = names->bytes_len = 0;
	if (names->cap > KEEP || names->bytes_cap > BYTES_KEEP)
		dirnames_release(names);
}

void
dirnames_release(struct dirnames *names)
{
	free(names->list);
	free(names->bytes);
	names->list = NULL;
	names->bytes = NULL;
	names->count = names->next = names->cap = names->bytes_len = names->bytes_cap = 0;
}

size_t
dirnames_memory(const struct dirnames *names)
{
	return names->cap * sizeof(*names->list) + names->bytes_cap;
}
