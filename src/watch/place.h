/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCH_PLACE_H
#define FILEMON_WATCH_PLACE_H

/*
 * A name in a directory, whatever is there now.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fm_watch;

struct place {
	uint32_t dir; /* DIRTAB_NONE: none */
	uint8_t len;
	char name[255];
};

struct place place_of(uint32_t dir, const char *name, size_t len);
bool place_is_same(const struct place *, const struct place *);
/* The directory the table has there; DIRTAB_NONE. */
uint32_t place_node(const struct fm_watch *, const struct place *);
void place_forget(struct place *, uint32_t dir);

#endif
