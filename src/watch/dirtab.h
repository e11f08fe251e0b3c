/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_DIRTAB_H
#define FILEMON_WATCH_DIRTAB_H

/*
 * The directories of a tree by number: who is below whom, under which name,
 * with which watch.  Renaming one is a relink, whatever is below it; paths are
 * made by walking up.  Finds a directory by its watch, and by parent and name.
 * Memory: 32 bytes a directory, its name, and two hash slots; a removed one
 * keeps nothing.  The list of directories to be listed runs through the table
 * and takes no memory of its own.
 *
 * A directory can be detached: it and all below keep their watches while
 * nobody knows where they are.
 *
 * Pure: no system calls.  Failures are ENOMEM, and leave the table as it was.
 * A number stays good until its directory is removed, and may be given again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIRTAB_ROOT 0 /* always there, has no name */
#define DIRTAB_NONE UINT32_MAX

/* Flags of a directory.  The low four are enum fm_scan: why it is to be listed. */
enum {
	DIR_SCAN = 0x000f,
	DIR_RECURSE = 0x0010,	   /* list all below it too */
	DIR_QUEUED = 0x0020,	   /* in the list of those to be listed */
	DIR_DEAD = 0x0040,	   /* removed, but still in that list */
	DIR_DETACHED = 0x0080,	   /* the top of a part whose place is unknown */
	DIR_UNSEEN = 0x0100,	   /* the listing of its parent has not shown it yet */
	DIR_FAILED = 0x0200,	   /* could not be listed the last time */
	DIR_RETRY = 0x0400,	   /* ... and time may mend it */
	DIR_POLL_LIMIT = 0x0800,   /* polled: no watch was to be had */
	DIR_POLL_FAILED = 0x1000,  /* polled: adding a watch failed otherwise */
	DIR_POLL_BACKEND = 0x2000, /* polled: there are no watches here */
	DIR_LEARNED = 0x4000,	   /* something happened in it; it was never listed */
	DIR_POSTPONED = 0x8000,	   /* what happens in it is dropped until it is listed */
	DIR_POLLED = DIR_POLL_LIMIT | DIR_POLL_FAILED | DIR_POLL_BACKEND,
};

struct dir {
	uint32_t parent;
	uint32_t child; /* the first one */
	uint32_t next, prev;
	uint32_t queue;
	uint32_t name; /* offset in names */
	int32_t wd;    /* -1: not watched */
	uint16_t flags;
	uint8_t name_len;
};

struct dirtab_slots {
	uint32_t *at;
	uint32_t size, used;
};

struct dirtab {
	struct dir *dirs;
	uint32_t cap, made; /* room for; numbers given so far */
	uint32_t live;	    /* directories there are, the root and detached ones too */
	uint32_t free;	    /* numbers to be given again, chained by parent */
	uint32_t head, tail, queued; /* to be listed; dead ones are not counted */
	struct dirtab_slots by_wd, by_name;
	char *names;
	size_t names_len, names_cap, names_waste;
	uint64_t seed;
	uint64_t version; /* grows when a path that was made may be wrong now */
};

int dirtab_init(struct dirtab *);
void dirtab_release(struct dirtab *);

/* DIRTAB_NONE where memory is out; the name must not be there yet. */
uint32_t dirtab_add(struct dirtab *, uint32_t parent, const char *name, size_t len);
/* One that has nothing below it, and not the root. */
void dirtab_remove(struct dirtab *, uint32_t dir);
/*
 * Puts dir, which may be detached, in its new place, which must be free.
 * ELOOP where the new parent is dir or below it.
 */
int dirtab_move(
    struct dirtab *, uint32_t dir, uint32_t parent, const char *name, size_t len);
void dirtab_detach(struct dirtab *, uint32_t dir);
/* -1 takes the watch away, which never fails. */
int dirtab_set_wd(struct dirtab *, uint32_t dir, int wd);

uint32_t dirtab_by_wd(const struct dirtab *, int wd);
uint32_t dirtab_find(
    const struct dirtab *, uint32_t parent, const char *name, size_t len);
uint32_t dirtab_lookup(const struct dirtab *, const char *path, size_t len);
/* The root, or the detached directory that dir is below. */
uint32_t dirtab_top(const struct dirtab *, uint32_t dir);
/* Bytes of dir's path below its top; without a NUL. */
size_t dirtab_path_len(const struct dirtab *, uint32_t dir);
void dirtab_path(const struct dirtab *, uint32_t dir, char *out);

/* Does nothing where it is queued already. */
void dirtab_queue(struct dirtab *, uint32_t dir, bool front);
/* After one that was queued and has not been taken since, removed or not. */
void dirtab_queue_after(struct dirtab *, uint32_t dir, uint32_t after);
/* DIRTAB_NONE where none is left; then removed ones have given their numbers back. */
uint32_t dirtab_take(struct dirtab *);

size_t dirtab_memory(const struct dirtab *);

#endif
