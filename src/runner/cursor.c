/* SPDX-License-Identifier: ISC */
#include "runner/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"

#define SLOTS 2
/* "00000000000000001842 0123456789abcdef\n" */
#define SLOT_LEN 38

/* FNV-1a, 64 bits: of the digits, against a torn write. */
static uint64_t
check_of(const char *digits)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (int i = 0; i < 20; i++)
		hash = (hash ^ (unsigned char)digits[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void
format_slot(uint64_t seq, char out[SLOT_LEN + 1])
{
	char digits[21];
	snprintf(digits, sizeof(digits), "%020" PRIu64, seq);
	snprintf(out, SLOT_LEN + 1, "%s %016" PRIx64 "\n", digits, check_of(digits));
}

static bool
parse_slot(const char *slot, uint64_t *seq)
{
	char again[SLOT_LEN + 1];
	*seq = strtoull(slot, NULL, 10);
	format_slot(*seq, again);
	return memcmp(again, slot, SLOT_LEN) == 0;
}

static bool
parse_file(struct cursor *cursor, const char *text, size_t len)
{
	bool found = false;
	uint64_t seq;
	for (unsigned i = 0; i < SLOTS && (i + 1) * SLOT_LEN <= len; i++) {
		if (!parse_slot(text + i * SLOT_LEN, &seq) ||
		    (found && seq < cursor->seq))
			continue;
		found = true;
		cursor->seq = seq;
		cursor->slot = (i + 1) % SLOTS;
	}
	return found;
}

int
cursor_open(struct cursor *cursor, const char *path)
{
	char text[SLOTS * SLOT_LEN + 1];
	*cursor = (struct cursor){ .path = xstrdup(path), .fd = -1 };
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n == -1) {
		fd_close(&fd);
		return -1;
	}
	text[n] = '\0';
	if (!parse_file(cursor, text, (size_t)n)) {
		fd_close(&fd);
		return 0;
	}
	cursor->fd = fd;
	return 1;
}

static int
make_folder(const char *path)
{
	char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	int result = mkdir(dir, 0700);
	free(dir);
	return result == -1 && errno != EEXIST ? -1 : 0;
}

int
cursor_begin(struct cursor *cursor, uint64_t seq)
{
	char text[SLOTS * SLOT_LEN + 1];
	for (int i = 0; i < SLOTS; i++)
		format_slot(seq, text + i * SLOT_LEN);
	fd_close(&cursor->fd);
	cursor->seq = seq;
	cursor->slot = 0;
	if (make_folder(cursor->path) == -1 ||
	    fd_write_atomic(cursor->path, text, sizeof(text) - 1, 0600) == -1)
		return -1;
	cursor->fd = open(cursor->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return cursor->fd == -1 ? -1 : 0;
}

bool
cursor_is_there(const struct cursor *cursor)
{
	struct stat there, here;
	return cursor->fd != -1 && fstat(cursor->fd, &here) == 0 &&
	    lstat(cursor->path, &there) == 0 && there.st_dev == here.st_dev &&
	    there.st_ino == here.st_ino;
}

int
cursor_move(struct cursor *cursor, uint64_t seq)
{
	char slot[SLOT_LEN + 1];
	if (cursor->fd == -1)
		return cursor_begin(cursor, seq);
	cursor->seq = seq;
	format_slot(seq, slot);
	ssize_t n = pwrite(cursor->fd, slot, SLOT_LEN, (off_t)(cursor->slot * SLOT_LEN));
	if (n != SLOT_LEN)
		return -1;
	cursor->slot = (cursor->slot + 1) % SLOTS;
	return 0;
}

void
cursor_close(struct cursor *cursor)
{
	fd_close(&cursor->fd);
	free(cursor->path);
	cursor->path = NULL;
}
