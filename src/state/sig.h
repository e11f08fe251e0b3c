/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_STATE_SIG_H
#define FILEMON_STATE_SIG_H

/*
 * The signature of a path: what lstat(2) says of it, cut to what tells one
 * state from another.  ctime and inode belong to it: size and mtime alone miss
 * a file rewritten with its old times put back.  Of a directory only type,
 * owner, mode and inode count: its times change with every child.  Pure.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum sig_type { SIG_NONE, SIG_FILE, SIG_DIR, SIG_SYMLINK, SIG_OTHER };

struct sig {
	enum sig_type type;
	uint64_t ino; /* 0: the path is known of, but was never looked at */
	int64_t size;
	int64_t mtime; /* ns */
	int64_t ctime; /* ns */
	int64_t meta;  /* mode, owner, group, links: one number that changes with them */
};

enum sig_change {
	SIG_SAME,
	SIG_CONTENT,  /* size, mtime, inode, or another type */
	SIG_METADATA, /* mode, owner, group, number of links */
	SIG_EXTENDED, /* ctime alone: extended attributes, or old times put back */
};

void sig_from_stat(struct sig *, const struct stat *);
enum sig_change sig_compare(const struct sig *from, const struct sig *to);
/* One number for the whole, never 0; 0 stands for "not there". */
int64_t sig_hash(const struct sig *);
/* Probably the same file under another name: inode, size, mtime, type. */
bool sig_moved(const struct sig *, const struct sig *);
const char *sig_type_name(enum sig_type);
/* The TYPE_BIT_* of conf/config.h. */
unsigned sig_type_bit(enum sig_type);

#endif
