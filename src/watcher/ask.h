/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_ASK_H
#define FILEMON_WATCHER_ASK_H

/*
 * Asks what files hold.  The watcher reads none: it asks the runner, whose
 * helper reads (filemon-hash(8)), and goes on.  There are two who want to know:
 *
 *  - a load, before it starts: what is delivered may be what was delivered
 *    already (body.h), and the handler is told the checksum.  It waits, but not
 *    for ever; whatever goes wrong, it is started;
 *  - a record of the event log that says that content is new, once the path has
 *    settled: a record of the type `checksummed` completes it.
 *
 * An answer counts only where the file that was read has the signature that the
 * path has in state.db, and where that was no longer young when it was asked
 * for: then nothing can have been written since without another signature.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/body.h"
#include "state/node.h"

struct event;
struct watcher;
struct root;
struct wire_msg;
struct asks;

struct ask_stats {
	uint64_t asked, read, failed, unavailable;
	size_t now; /* questions that wait for an answer */
	bool away;  /* there is no helper */
};

/* After state and wire are open; NULL in the plain monitor. */
struct asks *asks_new(struct watcher *);
void asks_free(struct asks *);
void asks_stats(const struct asks *, struct ask_stats *);
/* The configuration is another one. */
void asks_reload(struct watcher *);

/* A record (seq; 0: not known which) tells that the node's content is new. */
void ask_for_record(
    struct watcher *, const struct node *, const char *path, size_t len, uint64_t seq);
/* The same for a record as it is written, where the path has a row by then. */
void ask_for_written(struct watcher *, const struct event *, uint64_t seq);
/* Does that matter: is anything asked for records? */
bool ask_finds_rows(const struct watcher *);
/* Data were written without another signature: what was read before may be older. */
void ask_renew(struct watcher *, const struct node *, const char *path, size_t len);
/* Asks for what is due for records. */
void ask_choose(struct watcher *, int64_t now_ms);
/* When something is due by time alone; -1: never. */
int64_t ask_due(struct watcher *, int64_t now_ms);

/* As many questions wait as may: no load that needs one is to be chosen. */
bool ask_is_full(const struct watcher *);
/*
 * The content of the node at path, as seen, for a load: true where the answer
 * has to be waited for; the row is unblocked when it comes.  Else *body says
 * what is known.
 */
bool ask_for_load(struct watcher *, struct root *, const struct node *, const char *path,
    struct body *);

/* WIRE_CONTENT */
void ask_answer(struct watcher *, const struct wire_msg *);

#endif
