/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "state/handler.h"
#include "watcher/place.h"
#include "watcher/watcher_priv.h"

/* The digest of no configuration: nodes were evaluated under more than one. */
#define DIGEST_MIXED (-1)

static uint64_t
add_text(uint64_t hash, const char *text)
{
	/* FNV-1a; the NUL is part of it, so that lists differ from their joins. */
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	} while (*text++ != '\0');
	return hash;
}

/* Changes with everything that decides what a handler has to be told of. */
static int64_t
digest_of(const struct handler_config *config)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < config->match.n; i++)
		hash = add_text(hash, config->match.v[i]);
	hash = (hash ^ config->types) * 0x100000001b3ULL;
	hash = (hash ^ (config->load.n > 0)) * 0x100000001b3ULL;
	/* Neither "never" nor "mixed". */
	return hash + 1 <= 1 ? 1 : (int64_t)hash;
}

static void
build_one(struct watcher *w, struct handler *handler, uint32_t index)
{
	int64_t digest;
	bool is_new;

	handler->config = &w->config->handlers[index];
	handler->index = index;
	handler->match = globs_new(&handler->config->match);
	breaker_init(&handler->breaker);
	handler->id = state_handler(w->state, handler->config->name, &is_new);
	handler->paused = state_handler_paused(w->state, handler->id);
	/* 0: its first scan did not come to its end. */
	digest = state_handler_digest(w->state, handler->id);
	handler->evaluate = digest != digest_of(handler->config);
	handler->skip = digest == 0 && handler->config->initial == INITIAL_SKIP &&
	    !state_is_rebuilt(w->state);
	/* Not since this start: the scan may be begun for the second time. */
	handler->skip_ns = state_handler_since(w->state, handler->id);
	/* Some nodes are evaluated now, perhaps not all: going back is a change too. */
	if (handler->evaluate && !handler->skip && digest != DIGEST_MIXED)
		state_handler_set_digest(w->state, handler->id, DIGEST_MIXED);
}

void
handlers_build(struct watcher *w)
{
	int64_t *keep;

	w->n_handlers = w->state == NULL ? 0 : w->config->n_handlers;
	w->handlers = xcalloc(w->n_handlers + 1, sizeof(*w->handlers));
	if (w->state == NULL)
		return;
	keep = xcalloc(w->n_handlers + 1, sizeof(*keep));
	for (size_t i = 0; i < w->n_handlers; i++) {
		build_one(w, &w->handlers[i], (uint32_t)i);
		keep[i] = w->handlers[i].id;
	}
	state_handlers_prune(w->state, keep, w->n_handlers);
	place_uncache(w, 0);
	free(keep);
}

void
handlers_release(struct handler *handlers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		globs_free(handlers[i].match);
		free(handlers[i].stats.last_path);
	}
	free(handlers);
}

void
handlers_evaluated(struct watcher *w)
{
	for (size_t i = 0; i < w->n_handlers; i++) {
		struct handler *handler = &w->handlers[i];

		if (!handler->evaluate || (w->incomplete && !handler->skip))
			continue;
		handler->evaluate = false;
		handler->skip = false;
		state_handler_set_digest(
		    w->state, handler->id, digest_of(handler->config));
	}
}
