/* SPDX-License-Identifier: ISC */
#include "watcher/doer.h"

#include <string.h>

#include "watcher/process.h"

void
doer_begin(struct doer *d, unsigned kinds, const struct fm_event *event)
{
	d->known = kinds != 0 && event->pid > 0;
	if (!d->known)
		return;
	d->path = event->path;
	d->path_len = event->path_len;
	if (d->pid == event->pid)
		return;
	buf_reset(&d->json);
	process_render(&d->json, kinds, event->pid, event->pidfd);
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
