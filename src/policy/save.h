/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_SAVE_H
#define FILEMON_POLICY_SAVE_H

/*
 * What an editor does to save a file, as one event.  A record that may be the
 * beginning or a part of a save is held in a window of its path until the path
 * was quiet for settle, or its window open for settle-max.  Then the window
 * gives one `edited`, or, where it was no save, its records in their order.
 *
 *   atomic    a file made meanwhile, or one that is not wanted, was renamed to
 *             the path
 *   backup    the old file was renamed away, and another made at the path
 *   in-place  written under its own name: cut and written, written more than
 *             once, or removed and made anew
 *
 * Played over a tree, what comes out gives the same as what went in: `edited`
 * stands for created or modified, and a backup that stays has its `renamed`
 * before it.  Per path nothing changes its order; a record that has to do with
 * a held one (a directory above it, its backup) lets that one out first.
 *
 * SAVE_WINDOWS windows and as many paths of up to SAVE_PATH_MAX bytes: where
 * there is no room, records pass as they are, and are counted.  Pure: `now` is
 * given, and records go out by a callback.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eventlog/event.h"
#include "policy/settle.h"

#define SAVE_WINDOWS 64
#define SAVE_PATH_MAX 1024

struct save;

/* ev is valid during the call. */
typedef void (*save_emit_cb)(void *ctx, const struct event *ev);

/*
 * What a hint says beyond the records that follow from it: `from` was renamed to
 * `to`, whether they are wanted or not, or, where `to` is NULL, was removed.
 */
struct save_note {
	const char *from, *to; /* relative */
	size_t from_len, to_len;
};

struct save_stats {
	uint64_t edited; /* records that stand for more than one */
	uint64_t merged; /* records that others stand for */
	uint64_t passed; /* not held, for want of room */
};

struct save *save_new(const struct settle_limits *, save_emit_cb, void *ctx);
/* What is held is dropped: save_flush before. */
void save_free(struct save *);

/* Holds until the next call; NULL: no note. */
void save_note(struct save *, const struct save_note *);
/* True: it is held, or a part of what is; false: it is to be recorded now.
   What has to come before it has gone out. */
bool save_take(struct save *, const struct event *, int64_t now_ms);
/* Lets out what is due. */
void save_tick(struct save *, int64_t now_ms);
int64_t save_due(const struct save *); /* -1: nothing is held */
void save_flush(struct save *);
void save_stats(const struct save *, struct save_stats *);

/*
 * For who keeps what is held over a crash: windows (0 to SAVE_WINDOWS - 1)
 * that have changed since save_mark_kept, or all.  save_each tells what the
 * window would give if it were no save; nothing for an empty one.
 */
bool save_changed(const struct save *, unsigned window);
void save_mark_kept(struct save *);
void save_mark_changed(struct save *);
void save_each(const struct save *, unsigned window, save_emit_cb, void *ctx);

#endif
