/* SPDX-License-Identifier: ISC */
#include "watcher/doer.h"

#include <string.h>

#include "enrich/process.h"
#include "watcher/kin.h"
#include "watcher/watcher_priv.h"

static void
render(const struct watcher *w, const struct fm_event *event, struct buf *out)
{
	struct buf kin = BUF_INIT;

	process_render(out, w->config->enrich & ENRICH_DOER, event->pid, event->pidfd);
	if (!process_is_running(event->pidfd))
		return;
	kin_render(w, event->pid, &kin);
	if (process_is_running(event->pidfd))
		buf_add(out, kin.p, kin.len);
	buf_release(&kin);
}

void
doer_begin(struct watcher *w, const struct fm_event *event)
{
	struct doer *d = &w->doer;

	d->known = (w->config->enrich & ENRICH_DOER) && event->pid > 0;
	if (!d->known)
		return;
	d->path = event->path;
	d->path_len = event->path_len;
	if (d->pid == event->pid)
		return;
	buf_reset(&d->json);
	render(w, event, &d->json);
	d->pid = event->pid;
}

void
doer_end(struct doer *d)
{
	d->known = false;
}

const char *
doer_of(const struct doer *d, const struct event *event)
{
	if (!d->known || event->path == NULL || event->path_len != d->path_len ||
	    memcmp(event->path, d->path, d->path_len) != 0)
		return NULL;
	return d->json.p;
}

void
doer_forget(struct doer *d)
{
	d->pid = 0;
}
