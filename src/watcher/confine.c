/* SPDX-License-Identifier: ISC */
#include "watcher/confine.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "watcher/commands.h"
#include "watcher/watcher_priv.h"

/* NULL where there is no path. */
static char *
folder_of(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	return slash == path ? xstrdup("/")
			     : xasprintf("%.*s", (int)(slash - path), path);
}

/* Without a state directory SQLite keeps what does not fit its cache in one of
   these; https://www.sqlite.org/tempfiles.html, section 5. */
static size_t
add_temporary(const char **places, size_t n)
{
	const char *const folders[] = { getenv("SQLITE_TMPDIR"), getenv("TMPDIR"),
		"/var/tmp", "/tmp" };

	for (size_t i = 0; i < COUNTOF(folders); i++)
		places[n++] = folders[i];
	return n;
}

static bool
uses_fanotify(const struct watcher *w)
{
	struct fm_stats stats;

	for (size_t i = 0; i < w->n_roots; i++) {
		fm_watch_stats(w->roots[i].watch, &stats);
		if (stats.backend == FM_BACKEND_FANOTIFY)
			return true;
	}
	return false;
}

static void
say(const char *name, bool wanted, bool holds, const char *why)
{
	if (wanted && !holds)
		log_info("sandbox: no %s: %s (going on without it)", name, why);
}

void
confine_watcher(struct watcher *w)
{
	const struct config *config = w->config;
	char *socket_dir = folder_of(config->control_socket);
	char *trace_dir = folder_of(w->setup.trace_log);
	struct sandbox_setup setup = {
		.seccomp = config->seccomp,
		.landlock = config->landlock,
		.places = { config->state_dir, socket_dir, trace_dir },
		.fanotify = uses_fanotify(w),
	};

	if (config->state_dir == NULL)
		add_temporary(setup.places, 3);
	sandbox_enter(&setup, &w->sandbox);
	say("seccomp", config->seccomp, w->sandbox.seccomp, w->sandbox.why_seccomp);
	say("landlock", config->landlock, w->sandbox.landlock, w->sandbox.why_landlock);
	free(socket_dir);
	free(trace_dir);
}

void
confine_status(const struct watcher *w, cJSON *status)
{
	const struct sandbox *s = &w->sandbox;
	cJSON *item = cJSON_AddObjectToObject(status, "sandbox");

	cJSON_AddBoolToObject(item, "seccomp", s->seccomp);
	if (!s->seccomp)
		cJSON_AddStringToObject(item, "seccomp_why", s->why_seccomp);
	cJSON_AddBoolToObject(item, "landlock", s->landlock);
	if (!s->landlock)
		cJSON_AddStringToObject(item, "landlock_why", s->why_landlock);
}
