/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_ORDER_H
#define FILEMON_WATCHER_ORDER_H

/*
 * Which path goes before another of the same handler, and which two are the ends
 * of one move.
 */

#include <stdbool.h>
#include <stdint.h>

struct choice;
struct delivery;

/* The row that is to be done first; 0: none. */
int64_t order_first(struct choice *);
/* A load that is a move, from old. */
bool order_moved_from(struct choice *, struct delivery *old);
/* A removal that a move will make needless; it waits for it, but not for ever. */
bool order_moves_to(struct choice *, struct delivery *to);

#endif
