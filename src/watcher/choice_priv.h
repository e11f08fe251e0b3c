/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CHOICE_PRIV_H
#define FILEMON_WATCHER_CHOICE_PRIV_H

/* A path under consideration: shared by choice.c and order.c. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "state/body.h"
#include "state/delivery.h"
#include "state/node.h"

struct watcher;
struct root;
struct handler;

/* What is known of a path that may start. */
struct choice {
	struct watcher *w;
	struct handler *handler;
	int64_t now_ms, now_wall_ns; /* before anything was looked at */
	struct delivery d;
	struct node node;
	struct root *root;
	struct buf path;
	struct stat st;
	struct body body;
	bool wanted;
};

#endif
