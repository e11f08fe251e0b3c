/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_DIRNAMES_H
#define FILEMON_WATCH_DIRNAMES_H

/*
 * The names in a directory, in the order of their bytes.  Those of a large one come in
 * portions, so that memory does not grow with it: each portion is what comes next in
 * the order, found by reading the whole directory once more.  A name that is there all
 * the time is in just one of them.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some 2.5 MB, and sorted within 30 ms. */
#define DIRNAMES_MOST 65536
#define DIRNAMES_BYTES_MOST (2 * 1024 * 1024)
#define DIRNAMES_SLICE 8192 /* some 2 ms */

struct dirname {
	uint32_t at; /* in bytes */
	uint8_t len, type;
};

struct dirnames {
	/* Set by who uses it. */
	size_t most, bytes_most; /* of a portion, which is half of that or more */
	size_t slice;		 /* some so many are read at once */

	struct dirname *list;
	size_t count, next, cap; /* next: the first that was not taken */
	char *bytes;
	size_t bytes_len, bytes_cap;
	bool reading;		  /* the end of the directory was not reached */
	bool left;		  /* there are more, from the last one on */
	uint32_t bound;		  /* it, where left */
	char after[NAME_MAX + 1]; /* names up to this one were in portions before */
};

/* For a directory that was not read yet. */
void dirnames_begin(struct dirnames *);
/* Reads a slice from fd with buf: 1 more is to be read, 0 the portion is whole, -1
   errno. */
int dirnames_read(struct dirnames *, int fd, char *buf, size_t size);
/* All were taken: 1 there is another portion, which is to be read, 0 none, -1 errno. */
int dirnames_again(struct dirnames *, int fd);
/* Done with it; memory for a few names is kept. */
void dirnames_rest(struct dirnames *);
void dirnames_release(struct dirnames *);
size_t dirnames_memory(const struct dirnames *);

#endif
