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
#include "watcher/record.h"
#include "watcher/watcher_priv.h"

struct lines {
	char **v;
	size_t n, cap;
};

static void
keep(struct lines *lines, char *line)
{
	if (lines->n == lines->cap) {
		lines->cap = lines->cap == 0 ? 64 : lines->cap * 2;
		lines->v = xreallocarray(lines->v, lines->cap, sizeof(*lines->v));
	}
	lines->v[lines->n++] = line;
}

static uint64_t
seq_of(const char *line)
{
	const char *at = strstr(line, "\"seq\":");

	return at == NULL ? 0 : strtoull(at + strlen("\"seq\":"), NULL, 10);
}

/* Keeps the lines of a segment that come after seq. */
static void
read_segment(const char *path, uint64_t seq, struct lines *lines)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (file != NULL && getline(&line, &size, file) > 0) {
		if (seq_of(line) <= seq)
			continue;
		keep(lines, line);
		line = NULL;
		size = 0;
	}
	free(line);
	if (file != NULL)
		fclose(file);
}

static int
is_segment(const struct dirent *entry)
{
	return strlen(entry->d_name) == strlen("00000000000000000001.ndjson") &&
	    strcmp(entry->d_name + 20, ".ndjson") == 0;
}

/* The records after seq; segments are named by their first one. */
static void
read_tail(const char *dir, uint64_t seq, struct lines *lines)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_segment, alphasort), first = 0;

	for (int i = 0; i < n; i++)
		if (strtoull(entries[i]->d_name, NULL, 10) <= seq)
			first = i;
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, entries[i]->d_name);

		if (i >= first)
			read_segment(path, seq, lines);
		free(path);
		free(entries[i]);
	}
	free(entries);
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

static struct root *
root_of(struct watcher *w, const struct buf *path, size_t *skip)
{
	for (size_t i = 0; i < w->n_roots; i++) {
		size_t len = strlen(w->roots[i].path);

		if (path->len > len && memcmp(path->p, w->roots[i].path, len) == 0 &&
		    path->p[len] == '/') {
			*skip = len + 1;
			return &w->roots[i];
		}
	}
	return NULL;
}

static void
undo(struct watcher *w, const cJSON *record, struct buf *path, struct buf *from)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(record, "event_type");
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(type, "type");
	struct event event = {
		.listed = true,
		.is_dir =
		    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(record, "is_dir")),
	};
	struct root *root;
	size_t skip;

	if (!cJSON_IsString(name) ||
	    !get_path(record, "file_path", "file_path_b64", path) ||
	    (root = root_of(w, path, &skip)) == NULL)
		return;
	event.path = path->p + skip;
	event.path_len = path->len - skip;
	if (strcmp(name->valuestring, event_type_name(EVENT_CREATED)) == 0 ||
	    (strcmp(name->valuestring, event_type_name(EVENT_EDITED)) == 0 &&
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(type, "created")))) {
		event.type = EVENT_DELETED;
	} else if (strcmp(name->valuestring, event_type_name(EVENT_DELETED)) == 0) {
		event.type = EVENT_CREATED;
	} else if (strcmp(name->valuestring, event_type_name(EVENT_RENAMED)) == 0 &&
	    get_path(type, "from", "from_b64", from) && from->len > skip) {
		event.type = EVENT_RENAMED;
		event.old_path = event.path;
		event.old_path_len = event.path_len;
		event.path = from->p + skip;
		event.path_len = from->len - skip;
	} else {
		return;
	}
	record_event(w, root, &event);
}

static void
undo_lines(struct watcher *w, const struct lines *lines)
{
	struct buf path = BUF_INIT, from = BUF_INIT;
	struct json_error error;

	for (size_t i = lines->n; i-- > 0;) {
		size_t len = strcspn(lines->v[i], "\n");
		cJSON *record = json_parse(lines->v[i], len, &error);

		if (record != NULL)
			undo(w, record, &path, &from);
		cJSON_Delete(record);
		free(lines->v[i]);
	}
	buf_release(&path);
	buf_release(&from);
}

void
undo_ahead(struct watcher *w)
{
	struct evlog_stats log;
	struct lines lines = { 0 };
	int64_t seq;
	char *dir;

	if (w->state == NULL || w->config->state_dir == NULL)
		return;
	evlog_stats(w->log, &log);
	seq = state_seq(w->state);
	if (seq > 0 && log.seq < (uint64_t)seq)
		evlog_skip(w->log, (uint64_t)seq);
	if (seq < 0 || log.seq <= (uint64_t)seq)
		return;
	dir = xasprintf("%s/events", w->config->state_dir);
	read_tail(dir, (uint64_t)seq, &lines);
	free(dir);
	log_warnx(
	    "event log: %zu records are ahead of the state, after a crash (taken back)",
	    lines.n);
	record_gap(w, &w->roots[0], "", 0, "crash", true);
	undo_lines(w, &lines);
	free(lines.v);
}
