/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/search.h"

#include <string.h>

#include "base/buf.h"
#include "eventlog/segfile.h"

#define BLOCK (64 * 1024)
#define PROBE (4 * 1024)

/* 1 with the complete line that contains the byte at, or, where that is not
   the first of a line, with the next one; *start is where it begins.  0: there
   is none. */
static int
line_after(struct segfile *file, off_t at, struct buf *buf, off_t *start, size_t *len)
{
	const char *end = NULL, *line = NULL;
	ssize_t n = 1;

	buf_reset(buf);
	while (end == NULL && n > 0 && buf->len < 2 * SEARCH_LINE_MAX) {
		size_t want = buf->len > 0 ? buf->len : PROBE;
		buf_reserve(buf, want);
		n = segfile_read(file, buf->p + buf->len, want, at + (off_t)buf->len);
		if (n > 0)
			buf->len += (size_t)n;
		line = at == 0 ? buf->p : memchr(buf->p, '\n', buf->len);
		if (line == NULL || buf->len == 0)
			continue;
		line += at != 0;
		end = memchr(line, '\n', buf->len - (size_t)(line - buf->p));
	}
	if (end == NULL)
		return n == -1 ? -1 : 0;
	*start = at + (line - buf->p);
	*len = (size_t)(end - line);
	return 1;
}

bool
search_begins_before(struct segfile *file, const struct search_order *order)
{
	struct buf buf = BUF_INIT;
	off_t start;
	size_t len;
	bool before = line_after(file, 0, &buf, &start, &len) == 1 &&
	    order->is_before(order->ctx, buf.p, len);

	buf_release(&buf);
	return before;
}

off_t
search_halve(struct segfile *file, const struct search_order *order)
{
	off_t low = 0, high = segfile_size(file), start;
	struct buf buf = BUF_INIT;
	size_t len;

	while (high - low > BLOCK) {
		off_t middle = low + (high - low) / 2;
		if (line_after(file, middle, &buf, &start, &len) == 1 && start < high &&
		    order->is_before(order->ctx, buf.p + (start - middle), len))
			low = start;
		else
			high = middle;
	}
	buf_release(&buf);
	return low;
}

static bool
counts(struct search_last *search, const char *line, size_t len)
{
	return search->wanted(search->ctx, line, len) && --search->left == 0;
}

/*
 * Looks at the complete lines of block from its end; lines that begin before it
 * are left: *rest is their length with the newline.  True where the search
 * ended, at the line that begins at *rest.
 */
static bool
search_block(
    struct search_last *search, const struct buf *block, bool is_start, size_t *rest)
{
	const char *end = memrchr(block->p, '\n', block->len);

	while (end != NULL) {
		const char *before = memrchr(block->p, '\n', (size_t)(end - block->p));
		const char *line = before != NULL ? before + 1 : block->p;
		if (before == NULL && !is_start)
			break;
		if (counts(search, line, (size_t)(end - line))) {
			*rest = (size_t)(line - block->p);
			return true;
		}
		end = before;
	}
	*rest = end != NULL ? (size_t)(end - block->p) + 1 : 0;
	return false;
}

off_t
search_back(struct segfile *file, struct search_last *search)
{
	struct buf block = BUF_INIT, longer = BUF_INIT;
	off_t at = segfile_size(file);
	bool found = false, torn = true;
	size_t rest = 0;

	while (at > 0 && !found && block.len < SEARCH_LINE_MAX) {
		size_t take = at < BLOCK ? (size_t)at : BLOCK;
		buf_reset(&longer);
		buf_reserve(&longer, take + block.len);
		if (segfile_read(file, longer.p, take, at - (off_t)take) != (ssize_t)take)
			break;
		longer.len = take;
		if (block.len > 0)
			buf_add(&longer, block.p, block.len);
		struct buf swap = block;
		block = longer;
		longer = swap;
		at -= (off_t)take;
		/* What follows the last newline of all is not complete. */
		if (torn && memchr(block.p, '\n', block.len) == NULL)
			continue;
		torn = false;
		found = search_block(search, &block, at == 0, &rest);
		if (!found)
			buf_truncate(&block, rest);
	}
	buf_release(&block);
	buf_release(&longer);
	return found ? at + (off_t)rest : -1;
}
