/* SPDX-License-Identifier: ISC */
#include "watcher/confine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "enrich/process.h"
#include "watcher/commands.h"
#include "watcher/health.h"
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

static void
say(const struct sandbox_setup *setup, const struct sandbox *s)
{
	for (int i = 0; i < SANDBOX_PARTS; i++)
		if (setup->wanted[i] && !s->part[i].holds)
			log_info("sandbox: no %s: %s (going on without it)",
			    sandbox_name(i), s->part[i].why);
}

static bool
looks_at_sessions(const struct watcher *w)
{
	return (w->config->enrich & ENRICH_SESSION) && health_uses_fanotify(w);
}

/*
 * Within landlock nobody may look into the environment of others, unless the kernel
 * lets CAP_PERFMON do it, as newer ones do.  It does if that is enough to look at
 * the supervisor, which has capabilities that we lay down meanwhile.
 */
static bool
is_perfmon_enough(void)
{
	size_t len;
	char *text = NULL;

	if (caps_effective(CAPS_BIT(CAP_PERFMON)) == 0)
		text = process_read(getppid(), "environ", 1, &len);
	if (caps_effective(UINT64_MAX) == -1)
		log_warn("sandbox: capabilities cannot be taken up again");
	free(text);
	return text != NULL;
}

/* What looking at sessions needs: a right of root's, or no landlock. */
static void
allow_sessions(struct sandbox_setup *setup)
{
	bool enough = is_perfmon_enough();

	setup->caps = CAPS_BIT(enough ? CAP_PERFMON : CAP_SYS_PTRACE);
	setup->wanted[SANDBOX_LANDLOCK] &= enough;
}

static void
leave_out_landlock(struct sandbox_state *state)
{
	snprintf(state->why, sizeof(state->why), "enrich has session, which it forbids");
	log_info("sandbox: no landlock: %s (going on without it)", state->why);
}

void
confine_watcher(struct watcher *w)
{
	const struct config *config = w->config;
	char *socket_dir = folder_of(config->control_socket);
	char *trace_dir = folder_of(w->setup.trace_log);
	struct sandbox_setup setup = {
		.wanted = {
			[SANDBOX_SECCOMP] = config->seccomp,
			[SANDBOX_LANDLOCK] = config->landlock,
			[SANDBOX_CAPABILITIES] = config->drop_capabilities,
		},
		.places = { config->state_dir, socket_dir, trace_dir },
		.fanotify = health_uses_fanotify(w),
	};

	if (config->state_dir == NULL)
		add_temporary(setup.places, 3);
	if (looks_at_sessions(w))
		allow_sessions(&setup);
	sandbox_enter(&setup, &w->sandbox);
	if (config->landlock && !setup.wanted[SANDBOX_LANDLOCK])
		leave_out_landlock(&w->sandbox.part[SANDBOX_LANDLOCK]);
	say(&setup, &w->sandbox);
	free(socket_dir);
	free(trace_dir);
}

static void
add_part(cJSON *item, const char *name, const struct sandbox_state *state)
{
	char why[32];

	cJSON_AddBoolToObject(item, name, state->holds);
	if (state->holds)
		return;
	snprintf(why, sizeof(why), "%s_why", name);
	cJSON_AddStringToObject(item, why, state->why);
}

void
confine_status(const struct watcher *w, cJSON *status)
{
	cJSON *item = cJSON_AddObjectToObject(status, "sandbox");

	for (int i = 0; i < SANDBOX_PARTS; i++)
		add_part(item, sandbox_name(i), &w->sandbox.part[i]);
}
