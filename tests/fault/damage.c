/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "damage.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

enum { PAGE = 4096 };

static uint32_t state;

static uint32_t
below(uint32_t limit)
{
	state = state * 1664525 + 1013904223;
	return limit == 0 ? 0 : (uint32_t)((uint64_t)(state >> 4) * limit >> 28);
}

static void
noise(int fd, off_t at, size_t n)
{
	char bytes[PAGE];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)below(256);
	(void)!pwrite(fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes), at);
}

static void
cut(int fd, off_t size)
{
	(void)!ftruncate(fd, below((uint32_t)size));
}

static void
flip(int fd, off_t size)
{
	for (uint32_t n = 1 + below(32); n > 0; n--) {
		off_t at = below((uint32_t)size);
		char byte;

		if (pread(fd, &byte, 1, at) != 1)
			continue;
		byte = (char)(byte ^ 1 << below(8));
		(void)!pwrite(fd, &byte, 1, at);
	}
}

static void
zero(int fd, off_t size)
{
	char bytes[PAGE] = { 0 };

	(void)!pwrite(fd, bytes, PAGE, (off_t)below((uint32_t)(size / PAGE)) * PAGE);
}

static void
scribble(int fd, off_t size)
{
	noise(fd, below((uint32_t)size), 1 + below(PAGE));
}

static void
header(int fd, off_t size)
{
	(void)size;
	noise(fd, below(100), 1 + below(16));
}

static void
replace(int fd, off_t size)
{
	(void)size;
	(void)!ftruncate(fd, 0);
	for (int i = 0; i < 4; i++)
		noise(fd, i * PAGE, PAGE);
}

/* A page in the place of another. */
static void
swap(int fd, off_t size)
{
	char bytes[PAGE];
	uint32_t pages = (uint32_t)(size / PAGE);

	if (pread(fd, bytes, PAGE, (off_t)below(pages) * PAGE) == PAGE)
		(void)!pwrite(fd, bytes, PAGE, (off_t)below(pages) * PAGE);
}

static void
longer(int fd, off_t size)
{
	noise(fd, size, 1 + below(PAGE));
}

static void
empty(int fd, off_t size)
{
	(void)size;
	(void)!ftruncate(fd, 0);
}

static const struct {
	const char *name;
	void (*run)(int fd, off_t size);
} ways[] = {
	{ "cut off", cut },
	{ "bits flipped", flip },
	{ "a page of zeros", zero },
	{ "noise in the middle", scribble },
	{ "noise in the header", header },
	{ "nothing but noise", replace },
	{ "a page in the place of another", swap },
	{ "noise at the end", longer },
	{ "empty", empty },
};

const char *
damage(const char *dir, uint32_t seed)
{
	static char text[128];
	char path[512];
	struct stat st = { 0 };
	size_t way;
	int fd;

	state = seed * 2654435761U;
	bool wal = below(3) == 0;
	way = below(COUNTOF(ways));
	snprintf(path, sizeof(path), "%s/state.db%s", dir, wal ? "-wal" : "");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd != -1 && fstat(fd, &st) == 0)
		ways[way].run(fd, st.st_size);
	if (fd != -1)
		close(fd);
	snprintf(text, sizeof(text), "%s of %lld bytes: %s",
	    wal ? "state.db-wal" : "state.db", (long long)st.st_size, ways[way].name);
	return text;
}
