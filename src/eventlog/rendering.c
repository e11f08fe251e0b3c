/* SPDX-License-Identifier: ISC */
/*
 * A record of a log as people or other programs want it.  What comes in may be
 * any line: a log can be damaged, and a path can hold what would steer a
 * terminal.
 */
#define _GNU_SOURCE 1
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/json.h"
#include "base/vis.h"
#include "eventlog/event.h"

struct record {
	cJSON *top;
	const cJSON *type;
	const char *name; /* of the type */
	const char *id, *time;
	const char *path, *rel; /* NULL: about no path */
};

static const char *
string(const cJSON *obj, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(obj, name));
}

static bool
is_true(const cJSON *obj, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(obj, name));
}

static const cJSON *
number(const cJSON *obj, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
	return cJSON_IsNumber(item) && item->valuedouble >= 0 ? item : NULL;
}

static int
record_parse(struct record *r, const char *line, size_t len)
{
	struct json_error error;
	r->top = json_parse(line, len, &error);
	r->type = cJSON_GetObjectItemCaseSensitive(r->top, "event_type");
	r->name = string(r->type, "type");
	r->id = string(r->top, "id");
	r->time = string(r->top, "timestamp_utc");
	r->path = string(r->top, "file_path");
	r->rel = string(r->top, "rel_path");
	return r->name && r->id && *r->id && r->time ? 0 : -1;
}

/* As vis(3) does with VIS_OCTAL, but UTF-8 stays. */
static void
add_shown(struct buf *out, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	for (size_t len; n > 0; s += len, n -= len) {
		len = buf_utf8(s, n);
		if (len > 0 && vis_is_harmless(s, len)) {
			buf_add(out, s, len);
			continue;
		}
		len = len > 0 ? len : 1;
		for (size_t i = 0; i < len; i++)
			buf_addf(out, "\\%03o", s[i]);
	}
}

static void
add_text(struct buf *out, const char *before, const char *text)
{
	if (!text)
		return;
	buf_adds(out, before);
	add_shown(out, text, strlen(text));
}

/* The end of the bytes that has as many slashes as text. */
static const char *
same_end(const struct buf *bytes, const char *text, size_t *len)
{
	const char *at = bytes->p, *end = bytes->p + bytes->len, *p = end;
	size_t slashes = 1;
	for (const char *t = text; *t; t++)
		slashes += *t == '/';
	while (slashes > 0 && (p = memrchr(bytes->p, '/', (size_t)(p - bytes->p)))) {
		slashes--;
		at = p + 1;
	}
	if (slashes > 0)
		at = bytes->p;
	*len = (size_t)(end - at);
	return at;
}

/* A path, or its last components: as it is where member name has the exact bytes. */
static void
add_path(struct buf *out, const char *text, const cJSON *obj, const char *name)
{
	const char *b64 = string(obj, name), *exact;
	struct buf bytes = BUF_INIT;
	size_t len;
	if (b64 && buf_decode_base64(&bytes, b64) && bytes.len > 0) {
		exact = same_end(&bytes, text, &len);
		add_shown(out, exact, len);
	} else {
		add_shown(out, text, strlen(text));
	}
	buf_release(&bytes);
}

static void
add_size(struct buf *out, double bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	size_t unit = 0;
	if (bytes < 1000) {
		buf_addf(out, "%.0f B", bytes);
		return;
	}
	for (bytes /= 1000; bytes >= 999.95 && unit + 1 < COUNTOF(units); unit++)
		bytes /= 1000;
	buf_addf(out, "%.1f %s", bytes, units[unit]);
}

/* How much of file_path is the root, without its slash. */
static size_t
root_len(const struct record *r)
{
	size_t path = strlen(r->path), rel = strlen(r->rel);
	if (rel >= path || strcmp(r->path + path - rel, r->rel) != 0)
		return path;
	size_t len = path - rel;
	return len > 0 && r->path[len - 1] == '/' ? len - 1 : len;
}

static void
pretty_path(struct buf *out, const struct record *r)
{
	if (!r->rel || !r->path)
		return;
	buf_addc(out, ' ');
	add_path(out, *r->rel ? r->rel : r->path, r->top, "file_path_b64");
	if (is_true(r->top, "is_dir"))
		buf_addc(out, '/');
}

static void
pretty_change(struct buf *out, const struct record *r)
{
	const char *kind = string(r->type, "kind");
	const cJSON *size = number(r->top, "size");
	pretty_path(out, r);
	if (kind && strcmp(kind, "content") != 0) {
		add_text(out, " (", kind);
		buf_addc(out, ')');
	} else if (size) {
		buf_adds(out, " (");
		add_size(out, size->valuedouble);
		buf_addc(out, ')');
	}
}

static void
pretty_renamed(struct buf *out, const struct record *r)
{
	const char *from = string(r->type, "from");
	if (from && r->path && r->rel) {
		size_t root = root_len(r);
		bool below = strncmp(from, r->path, root) == 0 && from[root] == '/';
		buf_addc(out, ' ');
		add_path(out, below ? from + root + 1 : from, r->type, "from_b64");
		buf_adds(out, " ->");
	}
	pretty_path(out, r);
}

static void
pretty_gap(struct buf *out, const struct record *r)
{
	const cJSON *count = number(r->type, "count");
	pretty_path(out, r);
	add_text(out, ": ", string(r->type, "cause"));
	if (count)
		buf_addf(out, ": %.0f lost", count->valuedouble);
	buf_adds(out, is_true(r->type, "repaired") ? " (repaired)" : " (not repaired)");
}

static void
add_count(struct buf *out, const cJSON *count, const char *before, const char *after)
{
	if (count)
		buf_addf(out, "%s%.0f%s", before, count->valuedouble, after);
}

static void
add_things(struct buf *out, const cJSON *count, const char *one, const char *many)
{
	if (count)
		buf_addf(out, ", %.0f %s", count->valuedouble,
		    count->valuedouble == 1 ? one : many);
}

static void
pretty_started(struct buf *out, const struct record *r)
{
	add_text(out, ": ", string(r->type, "backend"));
	add_things(out, number(r->type, "directories"), "directory", "directories");
	add_things(out, number(r->type, "files"), "file", "files");
	add_count(out, number(r->type, "ready_ms"), ", ready after ", " ms");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r->type, "handover")))
		buf_adds(out, ", watches taken over");
}

static void
pretty_stopped(struct buf *out, const struct record *r)
{
	add_text(out, ": ", string(r->type, "reason"));
}

static void
pretty_limited(struct buf *out, const struct record *r)
{
	if (r->rel)
		pretty_path(out, r);
	add_count(out, number(r->type, "dropped"), ": ", " dropped");
}

static void
pretty_alert(struct buf *out, const struct record *r)
{
	add_text(out, ": ", string(r->type, "name"));
	add_text(out, ": ", string(r->type, "rule"));
	add_count(out, number(r->type, "value"), " ", "");
	add_count(out, number(r->type, "threshold"), " (threshold ", ")");
}

static void
pretty_clock(struct buf *out, const struct record *r)
{
	add_count(out, number(r->type, "step_ms"), ": set by ", " ms");
}

/* The beginning of the checksum is enough to tell one from another. */
static void
pretty_checksummed(struct buf *out, const struct record *r)
{
	enum { SHOWN = sizeof("sha256:") - 1 + 12 };
	const char *sum = string(r->top, "checksum");
	pretty_path(out, r);
	if (sum) {
		buf_addc(out, ' ');
		add_shown(out, sum, strnlen(sum, SHOWN));
	} else {
		add_text(out, ": ", string(r->top, "checksum_state"));
	}
}

static const struct {
	const char *name;
	void (*add)(struct buf *, const struct record *);
} pretty_types[] = {
	{ "limited", pretty_limited },
	{ "alert", pretty_alert },
	{ "clock", pretty_clock },
	{ "renamed", pretty_renamed },
	{ "gap", pretty_gap },
	{ "started", pretty_started },
	{ "stopped", pretty_stopped },
	{ "checksummed", pretty_checksummed },
};

/* "13:59:43.416 modified docs/a.md (6.9 kB)" */
static int
to_pretty(const struct record *r, struct buf *out)
{
	enum {
		DATE_LEN = sizeof("2026-01-31T") - 1,
		TIME_LEN = sizeof("13:59:43.416") - 1
	};
	void (*add)(struct buf *, const struct record *) = pretty_change;
	if (strlen(r->time) < DATE_LEN + TIME_LEN)
		return -1;
	add_shown(out, r->time + DATE_LEN, TIME_LEN);
	add_text(out, " ", r->name);
	for (size_t i = 0; i < COUNTOF(pretty_types); i++) {
		if (strcmp(pretty_types[i].name, r->name) == 0)
			add = pretty_types[i].add;
	}
	add(out, r);
	return 0;
}

static void
add_member(struct buf *out, const char *before, const char *value)
{
	buf_adds(out, before);
	buf_add_json(out, value, strlen(value));
}

/* A URI is of ASCII letters, digits and a few marks (RFC 3986). */
static void
add_uri(struct buf *out, const char *path, size_t len)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";
	for (size_t i = 0; i < len; i++) {
		if (strchr(plain, path[i])) /* no NUL is within len */
			buf_addc(out, path[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)path[i]);
	}
}

/* The source is the root; the stream's own records are about none. */
static void
add_source(struct buf *out, const struct record *r)
{
	buf_adds(out, ",\"source\":\"");
	if (r->path && r->rel) {
		size_t len = root_len(r);
		buf_adds(out, "file://");
		add_uri(out, len > 0 ? r->path : "/", len > 0 ? len : 1);
	} else {
		buf_adds(out, "urn:filemon");
	}
	buf_addc(out, '"');
}

static void
to_cloudevents(const struct record *r, const char *line, size_t len, struct buf *out)
{
	struct buf type = BUF_INIT;
	buf_adds(out, "{\"specversion\":\"1.0\"");
	add_member(out, ",\"id\":", r->id);
	add_source(out, r);
	buf_addf(&type, "filemon.%s", r->name);
	add_member(out, ",\"type\":", type.p);
	buf_release(&type);
	add_member(out, ",\"time\":", r->time);
	if (r->rel && *r->rel)
		add_member(out, ",\"subject\":", r->rel);
	buf_adds(out, ",\"datacontenttype\":\"application/json\",\"data\":");
	buf_add(out, line, len);
	buf_addc(out, '}');
}

/* A record as it stands is not taken apart, but a torn or foreign line is told. */
static bool
looks_whole(const char *line, size_t len)
{
	return len > 1 && line[0] == '{' && line[len - 1] == '}' &&
	    !memchr(line, '\n', len) && !memchr(line, '\0', len);
}

int
event_convert(const char *line, size_t len, enum config_format format, struct buf *out)
{
	struct record r = { .top = NULL };
	int ret = -1;
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (!looks_whole(line, len))
		return -1;
	if (format == FORMAT_NONE)
		return 0;
	if (format == FORMAT_JSON) {
		buf_add(out, line, len);
		ret = 0;
	} else if (record_parse(&r, line, len) == 0) {
		ret = 0;
		if (format == FORMAT_PRETTY)
			ret = to_pretty(&r, out);
		else
			to_cloudevents(&r, line, len, out);
	}
	if (ret == 0)
		buf_addc(out, '\n');
	cJSON_Delete(r.top);
	return ret;
}
