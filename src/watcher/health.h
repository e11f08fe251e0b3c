/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_HEALTH_H
#define FILEMON_WATCHER_HEALTH_H

/*
 * Is all well?  Degraded: delivery goes on with less than it should have.
 * Unhealthy: something is not delivered, or not recorded.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>

struct watcher;

enum health { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY };

/* Is any root watched by fanotify? */
bool health_uses_fanotify(const struct watcher *);
/* Warns of what enrich asks for and the backend cannot tell. */
void health_say_enrich(const struct watcher *);
/* Adds the reasons, one string each, to the array. */
enum health health_of(struct watcher *, cJSON *reasons);
const char *health_name(enum health);

#endif
