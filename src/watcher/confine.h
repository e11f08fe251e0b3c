/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CONFINE_H
#define FILEMON_WATCHER_CONFINE_H

/* The sandbox of this watcher: what its configuration needs, and how it is told. */

struct watcher;
struct cJSON;

/* Once, when everything is open. */
void confine_watcher(struct watcher *);
/* Adds the object "sandbox" of the status. */
void confine_status(const struct watcher *, struct cJSON *status);

#endif
