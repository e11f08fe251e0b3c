/* SPDX-License-Identifier: ISC */
#include "watcher/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "state/handler.h"
#include "state/node.h"
#include "watcher/ask.h"
#include "watcher/control.h"
#include "watcher/followers.h"
#include "watcher/held.h"
#include "watcher/intake.h"
#include "watcher/keep.h"
#include "watcher/legacy.h"
#include "watcher/life.h"
#include "watcher/stream.h"
#include "watcher/undo.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

static int
open_log(struct watcher *w)
{
	char *dir = w->config->state_dir == NULL
	    ? NULL
	    : xasprintf("%s/events", w->config->state_dir);
	const struct evlog_options options = {
		.dir = dir,
		.stdout_fd = w->setup.foreground && w->config->format != FORMAT_NONE
		    ? STDOUT_FILENO
		    : -1,
		.format = w->config->format,
		.loop = w->loop,
		.config = w->config,
	};

	w->log = evlog_open(&options);
	if (w->log == NULL)
		log_error("event log %s", dir == NULL ? "(stdout)" : dir);
	free(dir);
	return w->log == NULL ? -1 : 0;
}

static int
open_state(struct watcher *w)
{
	char *path;

	if (w->config->state_dir == NULL)
		return 0;
	path = xasprintf("%s/state.db", w->config->state_dir);
	w->state = state_open(path, (int)w->config->db_cache_kib);
	free(path);
	if (w->state != NULL)
		w->files = node_count_files(w->state);
	return w->state == NULL ? -1 : 0;
}

static int
open_root(struct watcher *w, struct root *root, unsigned index, struct legacy *legacy)
{
	root->watcher = w;
	root->index = index;
	root->fd = -1;
	root->path = w->config->roots.v[index];
	root->silent = w->state == NULL || state_is_new(w->state);
	root->filter = filter_new(w->config, root->path);
	root->node = w->state == NULL ? 0 : node_root(w->state, root->path);
	if (intake_open(w, root, legacy) == 0)
		return 0;
	if (errno == EMFILE)
		log_error(
		    "watch %s: no inotify instance (fs.inotify.max_user_instances, or "
		    "open files)",
		    root->path);
	else
		log_error("watch %s", root->path);
	return -1;
}

static int
open_roots(struct watcher *w)
{
	struct legacy *legacy = legacy_open(w);
	size_t n = w->config->roots.n;

	w->roots = xcalloc(n, sizeof(*w->roots));
	while (w->n_roots < n &&
	    open_root(w, &w->roots[w->n_roots], (unsigned)w->n_roots, legacy) == 0)
		w->n_roots++;
	legacy_close(w, legacy);
	return w->n_roots == n ? 0 : -1;
}

void
opening_rows(struct watcher *w)
{
	bool is_new;

	for (size_t i = 0; i < w->n_roots; i++)
		w->roots[i].node = node_root(w->state, w->roots[i].path);
	for (size_t i = 0; i < w->n_handlers; i++)
		w->handlers[i].id =
		    state_handler(w->state, w->handlers[i].config->name, &is_new);
}

int
opening_all(struct watcher *w)
{
	uint64_t last;

	if (open_log(w) == -1)
		return -1;
	w->stream = stream_new(w);
	if (open_state(w) == -1)
		return -1;
	last = undo_look(w);
	if (open_roots(w) == -1)
		return -1;
	undo_ahead(w, last);
	w->keep = keep_new(w);
	held_restore(w);
	handlers_build(w);
	followers_build(w);
	w->waiters = waiters_new(w);
	if (w->config->control_socket != NULL) {
		w->control = control_open(w);
		if (w->control == NULL)
			return -1;
	}
	if (w->setup.wire_fd != -1)
		w->wire = wire_new(
		    w->loop, w->setup.wire_fd, life_message, life_runner_gone, w);
	w->asks = asks_new(w);
	return 0;
}
