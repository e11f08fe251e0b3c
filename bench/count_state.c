/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* Files that are seen, become due and are delivered, in state.db. */

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "bench/count.h"
#include "policy/settle.h"
#include "state/delivery.h"
#include "state/handler.h"
#include "state/node.h"
#include "state/sig.h"
#include "state/state.h"

#define CHANGES 4000
#define FILES 1000 /* each changes several times */
#define DIRS 20
#define TURN 100 /* changes a turn of the loop */
#define WALL INT64_C(1769867983416755123)
#define CACHE_KIB 16384 /* nothing is written to a file */

static struct state *state;
static int64_t root, handler;
static char paths[FILES][32];

static void
see(int i, int64_t now)
{
	const struct settle_limits limits = { .settle_ms = 100, .settle_max_ms = 5000 };
	const struct stat st = { .st_mode = S_IFREG | 0644,
		.st_size = i,
		.st_ino = (ino_t)(i % FILES) + 1,
		.st_mtim = { .tv_sec = i, .tv_nsec = i },
		.st_ctim = { .tv_sec = i, .tv_nsec = i } };
	const char *path = paths[i % FILES], *slash = strrchr(path, '/');
	struct delivery delivery;
	struct node node, before;
	struct sig sig;

	sig_from_stat(&sig, &st);
	node.unsure = settle_unsure_ms(&st, WALL) > 0;
	if (node_lookup(state, root, path, strlen(path), &node)) {
		if (sig_compare(&node.sig, &sig) == SIG_SAME)
			return;
		before = node;
		node.sig = sig;
		node_update_from(state, &before, &node);
	} else {
		int64_t dir =
		    node_resolve(state, root, path, (size_t)(slash - path), true);
		node = (struct node){ .parent = dir, .sig = sig };
		node_insert(state, &node, slash + 1, strlen(slash + 1));
	}
	delivery_get(state, handler, node.id, &delivery);
	delivery.handler = handler;
	delivery.node = node.id;
	delivery.pending = true;
	delivery.since = now;
	delivery.due = settle_due(&limits, now, now);
	delivery_put(state, &delivery);
}

static void
deliver_due(int64_t now)
{
	struct delivery delivery;
	struct node node;

	while (delivery_next(state, handler, now, &delivery)) {
		if (!node_get(state, delivery.node, &node))
			errx(1, "a node is gone");
		delivery.state = DELIVERY_YES;
		delivery.sig = delivery.tried = sig_hash(&node.sig);
		delivery.pending = false;
		delivery_put(state, &delivery);
	}
}

void
workload(void)
{
	for (int i = 0; i < CHANGES; i++) {
		see(i, i);
		if (i % TURN != TURN - 1)
			continue;
		deliver_due(i);
		if (state_commit(state) == -1)
			errx(1, "%s", state_error(state));
	}
}

int
main(void)
{
	bool is_new;

	for (int i = 0; i < FILES; i++)
		snprintf(paths[i], sizeof(paths[i]), "dir-%02d/file-%05d", i % DIRS, i);
	if ((state = state_open(NULL, CACHE_KIB)) == NULL)
		return 1;
	root = node_root(state, "/home/user/project");
	handler = state_handler(state, "count", &is_new);
	workload();
	state_close(state);
	return 0;
}
