/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_COMMANDS_H
#define FILEMON_WATCHER_COMMANDS_H

/* The methods of the control protocol, one row each in commands.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "watcher/control.h"

struct watcher;
struct root;
struct handler;
struct delivery;

void commands_run(struct request *, const char *method);

/* params.path or path_b64, absolute or below the project, as a root and a path
   below it.  0; 1: not given; -1: answered with an error. */
int commands_path(struct request *, struct root **, struct buf *path);
/* params.handler; *handler NULL: all.  -1: answered with an error. */
int commands_handler(struct request *, struct handler **);
/* params.limit. */
int commands_limit(struct request *, int64_t *limit);

/* How a delivery stands, in a word (doc/control-protocol.md). */
const char *queue_state(
    const struct watcher *, const struct handler *, const struct delivery *, int64_t now);

/* status.c, queue.c, explain.c */
void status_command(struct request *);
void queue_command(struct request *);
void failures_command(struct request *);
void retry_command(struct request *);
void discard_command(struct request *);
void explain_command(struct request *);

#endif
