/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/line.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "eventlog/head.h"

/* Of the text around a place, at first, and where a line is long. */
#define WINDOW 4096
#define WINDOW_MAX (1024 * 1024)
#define NSEC_PER_SEC INT64_C(1000000000)

static int64_t
parse_time(const struct record_head *head)
{
	char text[40];
	struct tm tm = { 0 };
	long ns = 0;
	if (!head->time || head->time_len >= sizeof(text))
		return 0;
	memcpy(text, head->time, head->time_len);
	text[head->time_len] = '\0';
	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%ld", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns) < 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) * NSEC_PER_SEC + ns;
}

/* The line in text from begin, which stands at base in the file. */
static bool
take_line(const struct buf *text, size_t begin, size_t end, off_t base, struct line *out)
{
	struct record_head head;
	if (!head_parse(text->p + begin, end - begin, &head))
		return false;
	*out = (struct line){ base + (off_t)begin, base + (off_t)end + 1, head.seq,
		parse_time(&head) };
	return true;
}

static bool
read_window(int fd, off_t from, size_t want, struct buf *text)
{
	buf_reset(text);
	buf_reserve(text, want);
	ssize_t n = pread(fd, text->p, want, from);
	text->len = n > 0 ? (size_t)n : 0;
	return text->len > 0;
}

/* The first record that begins at from or later: its newline must be there. */
static bool
first_in(const struct buf *text, bool whole, off_t from, struct line *out)
{
	size_t begin = 0;
	if (!whole) {
		const char *newline = memchr(text->p, '\n', text->len);
		begin = newline ? (size_t)(newline - text->p) + 1 : text->len;
	}
	while (begin < text->len) {
		const char *newline = memchr(text->p + begin, '\n', text->len - begin);
		if (!newline)
			return false;
		size_t end = (size_t)(newline - text->p);
		if (take_line(text, begin, end, from, out))
			return true;
		begin = end + 1;
	}
	return false;
}

/* Looked at is also the byte before, to know whether a line begins at from. */
bool
line_from(int fd, off_t from, struct line *out)
{
	struct buf text = BUF_INIT;
	bool found = false;
	off_t look = from > 0 ? from - 1 : 0;
	for (size_t want = WINDOW; !found && want <= WINDOW_MAX; want *= 4) {
		if (!read_window(fd, look, want, &text))
			break;
		found = first_in(&text, from == 0, look, out);
		if (text.len < want)
			break;
	}
	buf_release(&text);
	return found;
}

bool
line_before(int fd, off_t end, struct line *out)
{
	struct buf text = BUF_INIT;
	bool found = false;
	for (size_t want = WINDOW; !found && want <= WINDOW_MAX; want *= 4) {
		off_t from = end > (off_t)want ? end - (off_t)want : 0;
		if (!read_window(fd, from, (size_t)(end - from), &text))
			break;
		const char *stop = memrchr(text.p, '\n', text.len);
		while (stop && !found) {
			const char *newline =
			    memrchr(text.p, '\n', (size_t)(stop - text.p));
			size_t begin = newline ? (size_t)(newline - text.p) + 1 : 0;
			if (newline || from == 0)
				found = take_line(
				    &text, begin, (size_t)(stop - text.p), from, out);
			stop = newline;
		}
		if (from == 0)
			break;
	}
	buf_release(&text);
	return found;
}

off_t
line_find_after(int fd, uint64_t seq)
{
	struct stat st;
	struct line line;
	off_t low = 0, high = fstat(fd, &st) == 0 ? st.st_size : 0, size = high;
	while (low < high) {
		off_t middle = low + (high - low) / 2;
		if (!line_from(fd, middle, &line) || line.begin >= size || line.seq > seq)
			high = middle;
		else
			low = line.end;
	}
	return low;
}
