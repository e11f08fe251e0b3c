/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_ORDER_H
#define FILEMON_WATCHER_ORDER_H

/*
 * Which path goes before another of the same handler, and which two are the ends
 * of one move.
 *
 * A removal, and the load of what is no directory, wait for what is pending below:
 * a directory goes after its children.  A load waits for a directory above it that
 * is pending: that comes before them.  Where the handler is told of no directories,
 * one that is pending stands where the handler knows something else, which goes
 * before anything below is loaded.  A removal waits for the load that makes it
 * needless, because it will be a move.
 *
 * Nothing waits for ever: loads wait upwards, or for removals; of removals only
 * that of a directory that is there waits for loads, and for none that failed;
 * and no wait for a move lasts (choice.c).
 */

#include <stdbool.h>
#include <stdint.h>

struct watcher;
struct node;
struct choice;
struct delivery;

/* The row that is to be done first; 0: none. */
int64_t order_first(struct choice *);
/* A load that is a move, from old. */
bool order_moved_from(struct choice *, struct delivery *old);
/* A removal that a move will make needless; it waits for it, but not for ever. */
bool order_moves_to(struct choice *, struct delivery *to);
/* The removal of the node has become pending; it may not be any more. */
void order_note_pending(struct watcher *, const struct node *);
void order_note_done(struct watcher *, int64_t node);

#endif
