/* SPDX-License-Identifier: ISC */
/* Jobs and their handlers, over a reload (dispatch.h). */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/xmalloc.h"
#include "state/delivery.h"
#include "state/node.h"
#include "watcher/dispatch.h"
#include "watcher/watcher_priv.h"

static struct handler *
handler_named(struct watcher *w, const char *name)
{
	for (size_t i = 0; i < w->n_handlers; i++)
		if (strcmp(w->handlers[i].config->name, name) == 0)
			return &w->handlers[i];
	return NULL;
}

/* The rows of its section went with it: that the run began is noted anew. */
static void
take_back(struct watcher *w, struct job *job)
{
	struct delivery d;
	struct node node;

	job->again = true;
	job->before = DELIVERY_PERHAPS;
	if (!node_lookup(w->state, job->root->node, job->path, strlen(job->path), &node))
		return;
	job->node = node.id;
	delivery_get(w->state, job->handler->id, job->node, &d);
	d.state = DELIVERY_PERHAPS;
	d.tried = job->sig;
	d.pending = true;
	d.since = clk_mono_ms();
	d.due = STATE_DUE_RUNNING;
	delivery_put(w->state, &d);
}

void
dispatch_rebind(struct watcher *w)
{
	for (struct job *job = w->jobs; job != NULL; job = job->next) {
		bool had_gone = job->handler == NULL;

		if (!had_gone) {
			free(job->section);
			job->section = xstrdup(job->handler->config->name);
		}
		job->handler = handler_named(w, job->section);
		if (job->handler == NULL)
			continue;
		job->handler->running++;
		if (had_gone)
			take_back(w, job);
	}
}
