/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_GIT_GITINDEX_H
#define FILEMON_GIT_GITINDEX_H

/*
 * The index of a repository (gitformat-index(5)), versions 2 to 4, entry by
 * entry, and what an entry says of a file.  Pure: the bytes are the caller's.
 * Any bytes are taken; an index that is not sorted is refused, for it is
 * searched.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define GITINDEX_HEADER 12
#define GITINDEX_NAME_MAX 4095

struct gitindex {
	unsigned version;
	size_t oid_len;	 /* in bytes: 20 or 32 */
	uint32_t left;	 /* entries to come */
	size_t name_len; /* of the entry before, or the one just read */
	char name[GITINDEX_NAME_MAX + 1];
};

struct gitindex_entry {
	uint32_t ctime_s, ctime_ns, mtime_s, mtime_ns, ino, mode, size;
	bool unmerged; /* one of the sides of a conflict */
	bool intended; /* named by "add -N": its content is not there */
	bool assumed;  /* the file need not be as it is, or not be there */
};

/* What can be told of a file without reading it. */
enum gitindex_answer { GITINDEX_UNSURE, GITINDEX_SAME, GITINDEX_DIFFERS };

/* false where it is no index of these versions. */
bool gitindex_begin(
    struct gitindex *, const unsigned char header[GITINDEX_HEADER], size_t oid_len);
/* The next entry, of which there must be one left: how many bytes it has; 0: there
   are too few of them; -1: it is none.  Its name is in the gitindex. */
ssize_t gitindex_next(
    struct gitindex *, const unsigned char *, size_t, struct gitindex_entry *);
/* As strcmp(3), in the order of the index. */
int gitindex_order(const char *a, size_t a_len, const char *b, size_t b_len);
/* May an extension with this name be left out?  Of others entries depend on it. */
bool gitindex_optional(const unsigned char name[4]);
/* file NULL: it is gone.  index is what fstat(2) says of the index. */
enum gitindex_answer gitindex_compare(
    const struct gitindex_entry *, const struct stat *file, const struct stat *index);

#endif
