/* SPDX-License-Identifier: ISC */
#include "watcher/undo.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "state/node.h"
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

/* More records than a crash can leave; an outage may. */
#define UNDO_MAX 16384
/* ... and so many are looked through: a fraction of a second, in one turn. */
#define LOOK_MAX 262144

/* The numbers of the records that the state does not have. */
struct span {
	uint64_t after, last;
};

static uint64_t
seq_of(const char *line)
{
	const char *at = strstr(line, "\"seq\":");

	return at == NULL ? 0 : strtoull(at + strlen("\"seq\":"), NULL, 10);
}

static int
is_segment(const struct dirent *entry)
{
	return strlen(entry->d_name) == strlen("00000000000000000001.ndjson") &&
	    strcmp(entry->d_name + 20, ".ndjson") == 0;
}

/* A member that holds an absolute path, exactly. */
static bool
get_path(const cJSON *object, const char *name, const char *b64, struct buf *out)
{
	const cJSON *exact = cJSON_GetObjectItemCaseSensitive(object, b64);
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, name);

	if (cJSON_IsString(exact))
		return buf_decode_base64(out, exact->valuestring);
	if (!cJSON_IsString(text))
		return false;
	buf_reset(out);
	buf_adds(out, text->valuestring);
	return true;
}

/* What a record says, as far as it can be taken back. */
struct change {
	enum event_type type; /* EVENT_CREATED, EVENT_DELETED or EVENT_RENAMED */
	struct root *root;
	char *path, *from; /* below the root; from: of a rename */
	bool is_dir;
};

struct changes {
	struct change *v;
	size_t n, cap;
	bool whole; /* false: there are more than UNDO_MAX */
};

static void
free_change(struct change *change)
{
	free(change->path);
	free(change->from);
}

/* Takes the strings of the change. */
static void
add_change(struct changes *all, struct change *change)
{
	if (all->n == UNDO_MAX) {
		all->whole = false;
		free_change(change);
		return;
	}
	if (all->n == all->cap) {
		all->cap = all->cap == 0 ? 64 : all->cap * 2;
		all->v = xreallocarray(all->v, all->cap, sizeof(*all->v));
	}
	all->v[all->n++] = *change;
}

static bool
is_type(const cJSON *name, enum event_type type)
{
	return strcmp(name->valuestring, event_type_name(type)) == 0;
}

/* false: it changes nothing of which paths there are. */
static bool
take_type(const cJSON *type, struct change *change)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(type, "type");

	if (!cJSON_IsString(name))
		return false;
	if (is_type(name, EVENT_CREATED) ||
	    (is_type(name, EVENT_EDITED) &&
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(type, "created"))))
		change->type = EVENT_CREATED;
	else if (is_type(name, EVENT_DELETED))
		change->type = EVENT_DELETED;
	else if (is_type(name, EVENT_RENAMED))
		change->type = EVENT_RENAMED;
	else
		return false;
	return true;
}

static char *
below(const struct buf *path, size_t skip)
{
	return xasprintf("%.*s", (int)(path->len - skip), path->p + skip);
}

static bool
take_apart(struct watcher *w, const cJSON *record, struct change *change)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(record, "event_type");
	struct buf path = BUF_INIT, from = BUF_INIT;
	bool ok;
	size_t skip;

	*change = (struct change){
		.is_dir = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(record, "is_dir"))
	};
	ok = take_type(type, change) &&
	    get_path(record, "file_path", "file_path_b64", &path) &&
	    (change->root = watcher_root_above(w, &path, &skip)) != NULL &&
	    path.len > skip &&
	    (change->type != EVENT_RENAMED ||
		(get_path(type, "from", "from_b64", &from) && from.len > skip));
	if (ok) {
		change->path = below(&path, skip);
		change->from = change->type == EVENT_RENAMED ? below(&from, skip) : NULL;
	}
	buf_release(&path);
	buf_release(&from);
	return ok;
}

/* To take a record apart takes a hundred times as long.  No path can hold this: its
   quotes are escaped. */
static bool
is_modified(const char *line)
{
	return strstr(line, "\"event_type\":{\"type\":\"modified\"") != NULL;
}

static void
take_line(struct watcher *w, struct changes *all, const char *line)
{
	struct json_error error;
	struct change change;
	cJSON *record;

	if (is_modified(line))
		return;
	record = json_parse(line, strcspn(line, "\n"), &error);
	if (record != NULL && take_apart(w, record, &change))
		add_change(all, &change);
	cJSON_Delete(record);
}

/* Takes what a segment tells of the span. */
static void
read_segment(
    struct watcher *w, const char *path, const struct span *span, struct changes *all)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (file != NULL && all->whole && getline(&line, &size, file) > 0) {
		uint64_t seq = seq_of(line);

		if (seq > span->after && seq <= span->last)
			take_line(w, all, line);
	}
	free(line);
	if (file != NULL)
		fclose(file);
}

/* What was told in the span; segments are named by their first record. */
static void
read_tail(struct watcher *w, const struct span *span, struct changes *all)
{
	char *dir = xasprintf("%s/events", w->config->state_dir);
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_segment, alphasort), first = 0;

	for (int i = 0; i < n; i++)
		if (strtoull(entries[i]->d_name, NULL, 10) <= span->after)
			first = i;
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, entries[i]->d_name);

		if (i >= first)
			read_segment(w, path, span, all);
		free(path);
		free(entries[i]);
	}
	free(entries);
	free(dir);
}

/* Was there something at the path of the rename i, which it replaced? */
static bool
replaced(struct watcher *w, const struct changes *all, size_t i, bool *is_dir)
{
	const struct change *rename = &all->v[i];
	struct node node;

	while (i-- > 0) {
		const struct change *c = &all->v[i];

		*is_dir = c->is_dir;
		if (c->root != rename->root)
			continue;
		if (strcmp(c->path, rename->path) == 0)
			return c->type != EVENT_DELETED;
		if (c->from != NULL && strcmp(c->from, rename->path) == 0)
			return false;
	}
	if (!node_lookup(
		w->state, rename->root->node, rename->path, strlen(rename->path), &node))
		return false;
	*is_dir = node.sig.type == SIG_DIR;
	return !node.gone;
}

static void
tell(struct watcher *w, const struct change *c, enum event_type type, bool is_dir)
{
	const char *path = type == EVENT_RENAMED ? c->from : c->path;
	struct event event = { .type = type,
		.listed = true,
		.is_dir = is_dir,
		.path = path,
		.path_len = strlen(path) };

	if (type == EVENT_RENAMED) {
		event.old_path = c->path;
		event.old_path_len = strlen(c->path);
	}
	record_event(w, c->root, &event);
}

static void
undo(struct watcher *w, const struct changes *all, size_t i)
{
	const struct change *c = &all->v[i];
	bool is_dir;

	if (c->type != EVENT_RENAMED) {
		tell(w, c, c->type == EVENT_CREATED ? EVENT_DELETED : EVENT_CREATED,
		    c->is_dir);
		return;
	}
	tell(w, c, EVENT_RENAMED, c->is_dir);
	if (replaced(w, all, i, &is_dir))
		tell(w, c, EVENT_CREATED, is_dir);
}

static void
release(struct changes *all)
{
	for (size_t i = 0; i < all->n; i++)
		free_change(&all->v[i]);
	free(all->v);
}

/* Of what the state has not: all or nothing. */
static void
take_back(
    struct watcher *w, const struct span *span, const char *cause, const char *since)
{
	uint64_t records = span->last - span->after;
	struct changes all = { .whole = records <= LOOK_MAX };

	if (all.whole)
		read_tail(w, span, &all);
	if (all.whole)
		log_warnx("event log: %" PRIu64
			  " records are ahead of the state, %s (taken back)",
		    records, since);
	else
		log_warnx("event log: too many records are ahead of the state, %s (they "
			  "stay; paths that came and went since are not told of again)",
		    since);
	record_gap(w, &w->roots[0], "", 0, cause, true);
	for (size_t i = all.whole ? all.n : 0; i-- > 0;)
		undo(w, &all, i);
	release(&all);
}

/* The log cannot be written: what it lacks at its end is not to be read either. */
static void
leave(struct watcher *w)
{
	log_warnx("event log: records are ahead of the state, and it cannot be written "
		  "(they stay; paths that came and went since are not told of again)");
	record_gap(w, &w->roots[0], "", 0, "state-failed", true);
}

uint64_t
undo_look(struct watcher *w)
{
	struct evlog_stats log;
	int64_t seq = w->state == NULL ? -1 : state_seq(w->state);

	evlog_stats(w->log, &log);
	if (seq > 0 && log.seq < (uint64_t)seq)
		evlog_skip(w->log, (uint64_t)seq);
	return log.seq;
}

void
undo_ahead(struct watcher *w, uint64_t last)
{
	int64_t seq;

	if (w->state == NULL || w->config->state_dir == NULL)
		return;
	seq = state_seq(w->state);
	if (seq >= 0 && last > (uint64_t)seq)
		take_back(
		    w, &(struct span){ (uint64_t)seq, last }, "crash", "after a crash");
}

void
undo_failed(struct watcher *w)
{
	struct evlog_stats log;
	int64_t seq = state_seq(w->state);

	evlog_flush(w->log);
	evlog_stats(w->log, &log);
	if (seq < 0 || log.seq <= (uint64_t)seq)
		return;
	if (log.failing)
		leave(w);
	else
		take_back(w, &(struct span){ (uint64_t)seq, log.seq }, "state-failed",
		    "which could not be written");
}
