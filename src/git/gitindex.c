/* SPDX-License-Identifier: ISC */
#include "git/gitindex.h"

#include <string.h>

#define VERSION_MIN 2
#define VERSION_MAX 4
#define STAT_LEN 40 /* what lstat(2) said, before the object's name */
#define NAME_LEN 0x0fff

enum { ASSUME_VALID = 0x8000, EXTENDED = 0x4000, STAGE = 0x3000 };
enum { SKIP_WORKTREE = 0x4000, INTENT_TO_ADD = 0x2000 }; /* of the extended flags */
enum { MODE_TYPE = 0170000, MODE_FILE = 0100000, MODE_LINK = 0120000, MODE_EXEC = 0100 };

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned
get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

bool
gitindex_begin(
    struct gitindex *index, const unsigned char header[GITINDEX_HEADER], size_t oid_len)
{
	index->version = get32(header + 4);
	index->oid_len = oid_len;
	index->left = get32(header + 8);
	index->name_len = 0;
	index->name[0] = '\0';
	return memcmp(header, "DIRC", 4) == 0 && index->version >= VERSION_MIN &&
	    index->version <= VERSION_MAX;
}

int
gitindex_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order != 0 || a_len == b_len)
		return order;
	return a_len < b_len ? -1 : 1;
}

/* What is before the name: how many bytes; as gitindex_next. */
static ssize_t
take_fixed(const struct gitindex *index, const unsigned char *p, size_t n,
    struct gitindex_entry *entry)
{
	size_t len = STAT_LEN + index->oid_len + 2;
	unsigned flags, more = 0;

	if (n < len + 2)
		return 0;
	flags = get16(p + len - 2);
	if (flags & EXTENDED) {
		if (index->version < 3)
			return -1;
		more = get16(p + len);
		len += 2;
	}
	*entry = (struct gitindex_entry){ .ctime_s = get32(p),
		.ctime_ns = get32(p + 4),
		.mtime_s = get32(p + 8),
		.mtime_ns = get32(p + 12),
		.ino = get32(p + 20),
		.mode = get32(p + 24),
		.size = get32(p + 36),
		.unmerged = flags & STAGE,
		.intended = more & INTENT_TO_ADD,
		.assumed = flags & ASSUME_VALID || more & SKIP_WORKTREE };
	return (ssize_t)len;
}

/* How many bytes of the name before go: seven bits a byte, each but the last
   with the eighth set and one less than it stands for. */
static ssize_t
take_strip(const unsigned char *p, size_t n, size_t *strip)
{
	size_t i = 0, value;

	if (n == 0)
		return 0;
	value = p[0] & 127;
	while (p[i] & 128) {
		if (++i == n)
			return 0;
		if (value >= GITINDEX_NAME_MAX)
			return -1;
		value = ((value + 1) << 7) + (p[i] & 127);
	}
	*strip = value;
	return (ssize_t)i + 1;
}

/* The name after the first keep bytes, which are those of the name before. */
static bool
set_name(struct gitindex *index, size_t keep, const unsigned char *rest, size_t len)
{
	if (len > GITINDEX_NAME_MAX - keep || (keep == 0 && len == 0) ||
	    gitindex_order(
		(const char *)rest, len, index->name + keep, index->name_len - keep) < 0)
		return false;
	memcpy(index->name + keep, rest, len);
	index->name_len = keep + len;
	index->name[index->name_len] = '\0';
	return true;
}

/* Version 4: what differs from the name before, ended by a NUL. */
static ssize_t
take_suffix(struct gitindex *index, const unsigned char *p, size_t n)
{
	size_t strip = 0;
	ssize_t len = take_strip(p, n, &strip);
	const unsigned char *end;

	if (len <= 0)
		return len;
	end = memchr(p + len, '\0', n - (size_t)len);
	if (end == NULL)
		return n > 2 * GITINDEX_NAME_MAX ? -1 : 0;
	if (strip > index->name_len ||
	    !set_name(index, index->name_len - strip, p + len, (size_t)(end - p - len)))
		return -1;
	return end - p + 1;
}

/* Versions 2 and 3: all of it, and one to eight NULs up to a multiple of eight. */
static ssize_t
take_whole(struct gitindex *index, const unsigned char *p, size_t n, size_t before)
{
	const unsigned char *end = memchr(p, '\0', n);
	size_t len, all;

	if (end == NULL)
		return n > GITINDEX_NAME_MAX ? -1 : 0;
	len = (size_t)(end - p);
	all = ((before + len + 8) & ~(size_t)7) - before;
	if (all > n)
		return 0;
	return set_name(index, 0, p, len) ? (ssize_t)all : -1;
}

ssize_t
gitindex_next(struct gitindex *index, const unsigned char *p, size_t n,
    struct gitindex_entry *entry)
{
	ssize_t fixed = take_fixed(index, p, n, entry), len;

	if (fixed <= 0)
		return fixed;
	p += fixed;
	n -= (size_t)fixed;
	if (index->version == 4)
		len = take_suffix(index, p, n);
	else
		len = take_whole(index, p, n, (size_t)fixed);
	if (len <= 0)
		return len;
	index->left--;
	return fixed + len;
}

bool
gitindex_optional(const unsigned char name[4])
{
	return name[0] >= 'A' && name[0] <= 'Z';
}

static bool
has_type(const struct gitindex_entry *entry, const struct stat *file)
{
	return (entry->mode & MODE_TYPE) == MODE_LINK ? S_ISLNK(file->st_mode)
						      : S_ISREG(file->st_mode);
}

/* As git does it: what was changed when the index was, may have been changed
   once more in the same moment. */
static bool
is_older(const struct gitindex_entry *entry, const struct stat *index)
{
	uint32_t s = (uint32_t)index->st_mtim.tv_sec;

	return entry->mtime_s < s ||
	    (entry->mtime_s == s && entry->mtime_ns < index->st_mtim.tv_nsec);
}

static bool
is_as_noted(const struct gitindex_entry *entry, const struct stat *file)
{
	bool exec = file->st_mode & S_IXUSR;

	return entry->mtime_s == (uint32_t)file->st_mtim.tv_sec &&
	    entry->mtime_ns == file->st_mtim.tv_nsec &&
	    entry->ctime_s == (uint32_t)file->st_ctim.tv_sec &&
	    entry->ctime_ns == file->st_ctim.tv_nsec &&
	    entry->ino == (uint32_t)file->st_ino &&
	    (S_ISLNK(file->st_mode) || exec == ((entry->mode & MODE_EXEC) != 0));
}

enum gitindex_answer
gitindex_compare(
    const struct gitindex_entry *entry, const struct stat *file, const struct stat *index)
{
	uint32_t type = entry->mode & MODE_TYPE;

	if (entry->unmerged || entry->intended)
		return GITINDEX_DIFFERS;
	if (entry->assumed || (type != MODE_FILE && type != MODE_LINK))
		return GITINDEX_UNSURE;
	if (file == NULL || !has_type(entry, file))
		return GITINDEX_DIFFERS;
	/* git notes no size where it is itself not sure of the file. */
	if (entry->size != (uint32_t)file->st_size)
		return entry->size == 0 ? GITINDEX_UNSURE : GITINDEX_DIFFERS;
	return is_as_noted(entry, file) && is_older(entry, index) ? GITINDEX_SAME
								  : GITINDEX_UNSURE;
}
