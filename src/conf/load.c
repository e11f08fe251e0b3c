/* SPDX-License-Identifier: ISC */
/* From the file, the command line and the defaults to a configuration that holds. */
#include "conf/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "conf/place.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

int
loader_refuse(struct loader *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->error->text, sizeof(l->error->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
loader_refuse_value(
    struct loader *l, const struct section *at, const char *name, const char *why)
{
	const char *file = l->config->file ? l->config->file : "defaults";
	const char *kind = at ? option_scope_name(at->scope) : "";
	const struct setting *s = settings_find(
	    &l->settings, at ? at->scope : OPTION_TOP, at ? at->name : NULL, name);
	unsigned line = s ? s->line : at ? at->line : 0;
	if (at && line > 0)
		return loader_refuse(
		    l, "%.300s:%u: %s %s: %s: %s", file, line, kind, at->name, name, why);
	if (line > 0)
		return loader_refuse(l, "%.300s:%u: %s: %s", file, line, name, why);
	if (s && at)
		return loader_refuse(l, "-o %s.%s.%s: %s", kind, at->name, name, why);
	if (s)
		return loader_refuse(l, "-o %s: %s", name, why);
	if (at)
		return loader_refuse(l, "%s %s: %s: %s", kind, at->name, name, why);
	return loader_refuse(l, "%.300s: %s: %s", file, name, why);
}

/* Where the project is, from what was asked for and what is there. */
static int
find_project(struct loader *l)
{
	const struct config_source *src = l->source;
	const char *asked = src->project ? src->project : ".";
	char *path = NULL, *state;
	if (l->start) {
		l->config->project = xstrdup(l->start->project);
		return 0;
	}
	if (!src->project && !src->monitor)
		path = config_find_project(NULL);
	else if (place_is_dir(asked, l->error->text, sizeof(l->error->text)) == -1)
		return -1;
	else
		path = realpath(asked, NULL);
	if (!path && (src->project || src->monitor || errno != ENOENT))
		return loader_refuse(l, "%.300s: %s: a project's directory is wanted",
		    asked, strerror(errno));
	if (!path && !(path = realpath(".", NULL)))
		return loader_refuse(
		    l, ".: %s: a project's directory is wanted", strerror(errno));
	l->config->project = path;
	state = place_join(path, ".filemon");
	l->held = faccessat(AT_FDCWD, state, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	free(state);
	return 0;
}

static int
check_state_dir(struct loader *l, const char *dir)
{
	return place_check(dir, l->error->text, sizeof(l->error->text));
}

/* The file to read: -c, or the project's own, which is trusted as its folder is. */
static int
find_file(struct loader *l, char **path)
{
	struct stat st;
	*path = NULL;
	if (l->source->file) {
		/* Not realpath: /dev/fd/N of a pipe has none. */
		char *here = realpath(".", NULL);
		*path = place_join(here ? here : "/", l->source->file);
		free(here);
		return 0;
	}
	if (l->source->monitor || !l->held)
		return 0;
	char *dir = place_join(l->config->project, ".filemon");
	int rc = check_state_dir(l, dir);
	*path = place_join(dir, "filemon.conf");
	free(dir);
	if (rc == -1 || stat(*path, &st) == -1) {
		/* What may not be looked at is not missing. */
		if (rc == 0 && errno != ENOENT)
			rc = loader_refuse(
			    l, "%.300s: cannot be read: %s", *path, strerror(errno));
		free(*path);
		*path = NULL;
	} else if (st.st_uid != geteuid() && st.st_uid != 0) {
		rc = loader_refuse(l,
		    "%.300s: belongs to another user (uid %lu): it says what is run",
		    *path, (unsigned long)st.st_uid);
	}
	return rc;
}

static void
copy_text(struct config_text *to, const struct config_text *from)
{
	*to = *from;
	to->file = from->file ? xstrdup(from->file) : NULL;
	to->p = from->p ? xmemdup(from->p, from->len + 1) : NULL;
}

/* What the file holds, or held. */
static int
get_text(struct loader *l, struct config_text *text)
{
	if (l->former) {
		copy_text(text, l->former);
		return 0;
	}
	if (find_file(l, &text->file) == -1)
		return -1;
	if (!text->file ||
	    (text->p = fd_read_file(text->file, FILE_MAX_BYTES, &text->len)))
		return 0;
	return loader_refuse(l, "%.300s: cannot be read: %s", text->file,
	    errno == EFBIG ? "it is longer than 1 MiB" : strerror(errno));
}

static int
read_file(struct loader *l)
{
	struct config_text text = { NULL, NULL, 0 };
	int rc = get_text(l, &text);
	if (l->text)
		copy_text(l->text, &text);
	if (rc == 0 && text.p)
		rc = settings_add_text(
		    &l->settings, text.file, text.p, text.len, l->error);
	l->config->file = text.file;
	text.file = NULL;
	config_text_release(&text);
	return rc;
}

static int
read_options(struct loader *l)
{
	for (const char *const *o = l->source->options; o && *o; o++)
		if (settings_add_option(&l->settings, *o, l->error) == -1)
			return -1;
	return 0;
}

/* What the options of a scope are where nothing is said; read once. */
static const struct settings *
defaults_of(struct loader *l, enum option_scope scope)
{
	struct settings *s = &l->defaults[scope];
	if (s->n == 0 && settings_add_defaults(s, scope, l->error) == -1)
		return NULL;
	return s;
}

/* Gives every option of section its default. */
static int
set_defaults(struct loader *l, enum option_scope scope, void *section)
{
	const struct settings *s = defaults_of(l, scope);
	char why[256];
	for (size_t i = 0; s && i < s->n; i++)
		if (option_set(s->v[i].row, section, &s->v[i].values, why, sizeof(why)) ==
		    -1)
			return loader_refuse(
			    l, "default of %s: %s", s->v[i].row->name, why);
	return s ? 0 : -1;
}

static size_t
count_sections(const struct loader *l, enum option_scope scope)
{
	size_t n = 0;
	for (size_t i = 0; i < l->settings.n_sections; i++)
		n += l->settings.sections[i].scope == scope;
	return n;
}

/* Its place among those of its kind. */
static struct section
make_section(struct config *c, const struct settings_section *said)
{
	struct section at = { .scope = said->scope };
	if (said->scope == OPTION_SINK) {
		struct sink_config *sink = &c->sinks[c->n_sinks++];
		sink->name = xstrdup(said->name);
		sink->line = said->line;
		at.at = sink;
	} else if (said->scope == OPTION_ALERT) {
		struct alert_config *alert = &c->alerts[c->n_alerts++];
		alert->name = xstrdup(said->name);
		alert->line = said->line;
		at.at = alert;
	} else {
		struct handler_config *handler = &c->handlers[c->n_handlers++];
		handler->name = xstrdup(said->name);
		handler->line = said->line;
		at.at = handler;
	}
	return at;
}

static int
make_sections(struct loader *l)
{
	struct config *c = l->config;
	size_t n_sinks = count_sections(l, OPTION_SINK);
	size_t n_alerts = count_sections(l, OPTION_ALERT);
	if (l->source->monitor)
		return 0;
	if (n_sinks > CONFIG_SINKS_MAX)
		return loader_refuse(l,
		    "%.300s: %zu sinks are too many: at most %d are wanted",
		    c->file ? c->file : "-o", n_sinks, CONFIG_SINKS_MAX);
	c->handlers =
	    xcalloc(count_sections(l, OPTION_HANDLER) + 1, sizeof(*c->handlers));
	if (n_alerts > CONFIG_ALERTS_MAX)
		return loader_refuse(l,
		    "%.300s: %zu alerts are too many: at most %d are wanted",
		    c->file ? c->file : "-o", n_alerts, CONFIG_ALERTS_MAX);
	c->sinks = xcalloc(n_sinks + 1, sizeof(*c->sinks));
	c->alerts = xcalloc(n_alerts + 1, sizeof(*c->alerts));
	for (size_t i = 0; i < l->settings.n_sections; i++) {
		struct section at = make_section(c, &l->settings.sections[i]);
		if (set_defaults(l, at.scope, at.at) == -1)
			return -1;
	}
	return 0;
}

static void
note_ignore(struct loader *l)
{
	const struct setting *s = settings_find(&l->settings, OPTION_TOP, NULL, "ignore");
	l->config->ignore_by_option = s && s->line == 0;
}

static int
apply(struct loader *l)
{
	char why[400];
	struct section found;
	if (set_defaults(l, OPTION_TOP, l->config) == -1 || make_sections(l) == -1)
		return -1;
	for (size_t i = 0; i < l->settings.n; i++) {
		const struct setting *s = &l->settings.v[i];
		const struct section *at = NULL;
		if (s->section &&
		    !config_find_section(l->config, s->row->scope, s->section, &found))
			continue; /* the plain monitor has none */
		if (s->section)
			at = &found;
		if (option_set(s->row, at ? at->at : l->config, &s->values, why,
			sizeof(why)) == -1)
			return loader_refuse_value(l, at, s->row->name, why);
	}
	note_ignore(l);
	return 0;
}

void
loader_absolute(char **path, const char *dir)
{
	char *joined = *path ? place_join(dir, *path) : NULL;
	free(*path);
	*path = joined;
}

/* Without a place for the state there is nothing to run on. */
static int
resolve_state(struct loader *l)
{
	struct config *c = l->config;
	if (l->source->monitor) {
		free(c->state_dir);
		free(c->control_socket);
		c->state_dir = c->control_socket = NULL;
		return 0;
	}
	if (!l->start && !l->held && !l->source->file &&
	    !settings_find(&l->settings, OPTION_TOP, NULL, "state-dir"))
		return loader_refuse(l,
		    "no .filemon/ in %.300s%s: run 'filemonctl init' (or give -C)",
		    c->project, l->source->project ? "" : " or above");
	loader_absolute(&c->state_dir, c->project);
	if (!l->start && check_state_dir(l, c->state_dir) == -1)
		return -1;
	if (!c->control_socket)
		c->control_socket = place_join(c->state_dir, "control.sock");
	loader_absolute(&c->control_socket, c->project);
	return 0;
}

/* FNV-1a, 64 bits: two processes compare what they have read, nobody attacks. */
static void
make_digest(struct config *c)
{
	struct buf text = BUF_INIT;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	options_canonical(c, &text);
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	snprintf(c->digest, sizeof(c->digest), "%016" PRIx64, hash);
	buf_release(&text);
}

static struct config *
load(struct loader *l)
{
	l->settings = (struct settings)SETTINGS_INIT;
	l->config = xcalloc(1, sizeof(*l->config));
	l->error->text[0] = '\0';
	if (find_project(l) == -1 || read_file(l) == -1 || read_options(l) == -1 ||
	    apply(l) == -1 || resolve_state(l) == -1 || loader_check(l) == -1) {
		config_free(l->config);
		l->config = NULL;
	} else {
		make_digest(l->config);
	}
	settings_release(&l->settings);
	for (int i = 0; i < OPTION_SCOPE_COUNT; i++)
		settings_release(&l->defaults[i]);
	return l->config;
}

struct config *
config_load(const struct config_source *source, struct config_error *error)
{
	return load(&(struct loader){ .source = source, .error = error });
}

struct config *
config_load_text(const struct config_source *source, struct config_text *text,
    struct config_error *error)
{
	*text = (struct config_text){ NULL, NULL, 0 };
	return load(&(struct loader){ .source = source, .error = error, .text = text });
}

struct config *
config_recall(const struct config_source *source, const struct config_text *text,
    const struct config *start, struct config_error *error)
{
	return load(&(struct loader){
	    .source = source, .error = error, .former = text, .start = start });
}
