/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "policy/ignore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "policy/filter.h"
#include "policy/settle.h"

#define IGNORE_FILE_MAX (1024 * 1024)

/* gitignore(5): trailing spaces count only after a backslash. */
static size_t
trim(const char *line, size_t len)
{
	size_t keep = 0;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\' && i + 1 < len)
			keep = ++i + 1;
		else if (line[i] != ' ')
			keep = i + 1;
	}
	return keep;
}

static void
add_line(struct globs *globs, const char *line, size_t len, unsigned number)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	len = trim(line, len);
	if (len > 0 && line[0] != '#' && !memchr(line, '\0', len))
		globs_add(globs, line, len, number);
}

static struct globs *
parse(const char *text, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct globs *globs = globs_new(NULL);
	const char *end = text + len;
	if (len >= strlen(bom) && memcmp(text, bom, strlen(bom)) == 0)
		text += strlen(bom);
	for (unsigned number = 1; text < end; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		if (!stop)
			stop = end;
		add_line(globs, text, (size_t)(stop - text), number);
		text = stop < end ? stop + 1 : end;
	}
	return globs;
}

static int
read_text(int fd, size_t size, struct buf *b)
{
	buf_reserve(b, size);
	while (b->len < size) {
		ssize_t n = read(fd, b->p + b->len, size - b->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		b->len += (size_t)n;
	}
	return 0;
}

static int
read_rules(struct ignore_file *file)
{
	struct buf text = BUF_INIT;
	int ret = -1;
	int fd = fd_openat(
	    AT_FDCWD, file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &file->st) == -1)
		goto out;
	if (file->st.st_size > IGNORE_FILE_MAX) {
		errno = EFBIG;
		goto out;
	}
	ret = read_text(fd, (size_t)file->st.st_size, &text);
	if (ret == 0 && text.len > 0)
		file->globs = parse(text.p, text.len);
out:
	fd_close(&fd);
	buf_release(&text);
	return ret;
}

/* What is there; no regular file is as none. */
static int
look(const char *path, struct stat *st)
{
	int ret = fd_lstatat(AT_FDCWD, path, st);
	bool absent = ret == -1 && (errno == ENOENT || errno == ENOTDIR);
	if (absent || (ret == 0 && !S_ISREG(st->st_mode))) {
		memset(st, 0, sizeof(*st));
		return 0;
	}
	return ret;
}

void
ignore_load(struct ignore_file *file, char *path)
{
	*file = (struct ignore_file){ .path = path };
	if (look(path, &file->st) == 0 && file->st.st_mode == 0)
		return;
	if (read_rules(file) == -1) {
		file->unsure = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
		log_warn("%s: cannot be read (its rules are not applied)", path);
	} else if (settle_unsure_ms(&file->st, clk_wall_ns()) > 0) {
		file->unsure = true;
	}
}

void
ignore_release(struct ignore_file *file)
{
	globs_free(file->globs);
	free(file->path);
	*file = (struct ignore_file){ .path = NULL };
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
ignore_holds(const struct ignore_file *file)
{
	const struct stat *was = &file->st;
	struct stat st;
	if (look(file->path, &st) == -1)
		return true;
	if (file->unsure)
		return false;
	return was->st_mode == st.st_mode && was->st_ino == st.st_ino &&
	    was->st_size == st.st_size && same_time(&was->st_mtim, &st.st_mtim) &&
	    same_time(&was->st_ctim, &st.st_ctim);
}
