/* SPDX-License-Identifier: ISC */
/*
 * Exercises gitindex.h and gitfile.h, and procfile.h too: what stands in .git and
 * in an environment is written by strangers.  The first byte is what the rest is
 * taken for.  An index is read whole and in growing pieces, which must come to
 * the same; its names are sorted and short.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/procfile.h"
#include "git/gitfile.h"
#include "git/gitindex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECE 7

/* As one who reads in pieces: with more bytes each time, until there are enough. */
static ssize_t
next_in_pieces(struct gitindex *index, const uint8_t *data, size_t size,
    struct gitindex_entry *entry)
{
	ssize_t n = 0;

	for (size_t have = 0; n == 0 && have < size;) {
		have = have + PIECE < size ? have + PIECE : size;
		n = gitindex_next(index, data, have, entry);
	}
	return n;
}

static void
compare(const struct gitindex_entry *entry)
{
	const struct stat st = { .st_mode = S_IFREG | 0644, .st_size = entry->size };

	assert(gitindex_compare(entry, &st, &st) != GITINDEX_DIFFERS || entry->unmerged ||
	    entry->intended || (entry->mode & 0170000) == 0120000);
	gitindex_compare(entry, NULL, &st);
}

static void
take_index(const uint8_t *data, size_t size, size_t oid_len)
{
	static struct gitindex index, pieces;
	struct gitindex_entry entry, other;
	ssize_t n;

	if (size < GITINDEX_HEADER || !gitindex_begin(&index, data, oid_len))
		return;
	pieces = index;
	data += GITINDEX_HEADER;
	size -= GITINDEX_HEADER;
	while (index.left > 0 && (n = gitindex_next(&index, data, size, &entry)) > 0) {
		assert(index.name_len <= GITINDEX_NAME_MAX);
		assert(memchr(index.name, '\0', index.name_len) == NULL);
		assert(next_in_pieces(&pieces, data, size, &other) == n);
		assert(strcmp(pieces.name, index.name) == 0);
		compare(&entry);
		data += n;
		size -= (size_t)n;
	}
}

static void
take_text(char *text, size_t len)
{
	struct git_head head;
	char oid[GITFILE_OID_SIZE];
	struct proc_stat stat;
	const char *value = procfile_env(text, len, "TMUX");

	assert(value == NULL || (value > text && value + strlen(value) < text + len));
	if (gitfile_head(text, &head))
		assert((head.ref[0] == '\0') != (head.commit[0] == '\0'));
	gitfile_packed(text, "refs/heads/main", oid);
	procfile_stat(text, &stat);
	gitfile_dir(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	if (data[0] == '1' || data[0] == '2') {
		take_index(data + 1, size - 1, data[0] == '1' ? 20 : 32);
		return 0;
	}
	text = malloc(size);
	assert(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	take_text(text, size - 1);
	free(text);
	return 0;
}
