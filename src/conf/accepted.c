/* SPDX-License-Identifier: ISC */
#include "conf/accepted.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xmalloc.h"

/* A head and two places, of which the head names the one that holds. */
#define PLACE_SIZE ((uint64_t)2 * 1024 * 1024)
#define FIRST ((uint64_t)4096)
#define SECOND (FIRST + PLACE_SIZE)
#define NO_FILE UINT64_MAX

struct head {
	uint64_t at;	   /* 0: none yet */
	uint64_t file_len; /* the path's, before the text; NO_FILE: there is neither */
	uint64_t len;	   /* of the text */
};

static int
write_at(int fd, const void *data, uint64_t len, uint64_t at)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int
accepted_open(void)
{
	struct head head = { 0 };
	int fd = fd_memory("filemon-accepted", 0);
	if (fd != -1 && write_at(fd, &head, sizeof(head), 0) == -1)
		fd_close(&fd);
	return fd;
}

/* Exactly len bytes and a NUL after them; NULL with errno. */
static char *
read_at(int fd, uint64_t len, uint64_t at)
{
	char *data = xmalloc(len + 1);
	uint64_t done = 0;
	while (done < len) {
		ssize_t n = pread(fd, data + done, len - done, (off_t)(at + done));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			free(data);
			return NULL;
		}
		done += (uint64_t)n;
	}
	data[len] = '\0';
	return data;
}

static int
read_head(int fd, struct head *head)
{
	ssize_t n = pread(fd, head, sizeof(*head), 0);
	if (n == sizeof(*head))
		return 0;
	errno = n == -1 ? errno : EIO;
	return -1;
}

int
accepted_put(int fd, const struct config_text *text)
{
	struct head head;
	if (read_head(fd, &head) == -1)
		return -1;
	head.at = head.at == FIRST ? SECOND : FIRST;
	head.file_len = text->file ? strlen(text->file) : NO_FILE;
	head.len = text->p ? text->len : 0;
	if (text->file) {
		if (head.file_len + head.len > PLACE_SIZE) {
			errno = EFBIG;
			return -1;
		}
		if (write_at(fd, text->file, head.file_len, head.at) == -1 ||
		    write_at(fd, text->p, head.len, head.at + head.file_len) == -1)
			return -1;
	}
	/* In one page, so wholly or not at all. */
	return write_at(fd, &head, sizeof(head), 0);
}

int
accepted_get(int fd, struct config_text *text)
{
	struct head head;
	*text = (struct config_text){ NULL, NULL, 0 };
	if (read_head(fd, &head) == -1)
		return -1;
	if (head.at == 0)
		return 0;
	if (head.file_len == NO_FILE)
		return 1;
	text->len = head.len;
	text->file = read_at(fd, head.file_len, head.at);
	if (text->file)
		text->p = read_at(fd, head.len, head.at + head.file_len);
	if (text->p)
		return 1;
	config_text_release(text);
	return -1;
}
