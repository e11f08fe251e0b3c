/* SPDX-License-Identifier: ISC */
#include "eventlog/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/xmalloc.h"

struct event_frame {
	struct buf tags;  /* ,"tenant_id":"acme","metadata":{...} */
	struct buf *path; /* where absolute paths are put together */
};

/* Tags that are members of the record; all others go into its metadata. */
static const char *const own_tags[] = { "tenant_id", "user_id", "session_id" };

static const char *const type_names[] = {
	[EVENT_CREATED] = "created",
	[EVENT_MODIFIED] = "modified",
	[EVENT_DELETED] = "deleted",
	[EVENT_RENAMED] = "renamed",
	[EVENT_EDITED] = "edited",
	[EVENT_GAP] = "gap",
	[EVENT_STARTED] = "started",
	[EVENT_STOPPED] = "stopped",
	[EVENT_LIMITED] = "limited",
	[EVENT_ALERT] = "alert",
	[EVENT_CLOCK] = "clock",
	[EVENT_CHECKSUMMED] = "checksummed",
};
_Static_assert(COUNTOF(type_names) == EVENT_TYPE_COUNT, "a type lacks its name");

static const char *const kind_names[] = {
	[EVENT_CONTENT] = "content",
	[EVENT_METADATA] = "metadata",
	[EVENT_EXTENDED] = "extended",
};

static const char *const method_names[] = {
	[EVENT_ATOMIC] = "atomic",
	[EVENT_BACKUP] = "backup",
	[EVENT_IN_PLACE] = "in-place",
};

const char *
event_type_name(enum event_type type)
{
	return type_names[type];
}

/* Of a literal, whose length is then known when this is compiled. */
static inline void
add(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

static void
add_string(struct buf *b, const char *name, const char *value)
{
	buf_addc(b, ',');
	buf_add_json(b, name, strlen(name));
	buf_addc(b, ':');
	buf_add_json(b, value, strlen(value));
}

static bool
is_own(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNTOF(own_tags); i++) {
		if (strlen(own_tags[i]) == len && memcmp(own_tags[i], name, len) == 0)
			return true;
	}
	return false;
}

/* Is the tag given again further on?  The last one counts. */
static bool
is_repeated(const struct strlist *tags, size_t at, size_t name_len)
{
	for (size_t i = at + 1; i < tags->n; i++) {
		if (strncmp(tags->v[i], tags->v[at], name_len + 1) == 0)
			return true;
	}
	return false;
}

static void
add_tags(struct buf *b, const struct strlist *tags, bool own)
{
	for (size_t i = 0; i < tags->n; i++) {
		const char *tag = tags->v[i], *equals = strchr(tag, '=');
		if (!equals || is_own(tag, (size_t)(equals - tag)) != own ||
		    is_repeated(tags, i, (size_t)(equals - tag)))
			continue;
		buf_addc(b, ',');
		buf_add_json(b, tag, (size_t)(equals - tag));
		buf_addc(b, ':');
		buf_add_json(b, equals + 1, strlen(equals + 1));
	}
}

struct event_frame *
event_frame_new(const struct config *config)
{
	struct event_frame *frame = xcalloc(1, sizeof(*frame));
	struct buf metadata = BUF_INIT;
	frame->path = xcalloc(1, sizeof(*frame->path));
	add_tags(&frame->tags, &config->tags, true);
	add_tags(&metadata, &config->tags, false);
	if (metadata.len > 0) {
		add(&frame->tags, ",\"metadata\":{");
		buf_add(
		    &frame->tags, metadata.p + 1, metadata.len - 1); /* less its comma */
		buf_addc(&frame->tags, '}');
	}
	buf_release(&metadata);
	return frame;
}

void
event_frame_free(struct event_frame *frame)
{
	if (!frame)
		return;
	buf_release(&frame->tags);
	buf_release(frame->path);
	free(frame->path);
	free(frame);
}

/* Random bytes are fetched for many records at once: a system call each would
   cost as much as the rest of a record.  Only one process makes records. */
static uint64_t
random64(void)
{
	static uint64_t pool[64];
	static size_t left;
	if (left == 0) {
		arc4random_buf(pool, sizeof(pool));
		left = COUNTOF(pool);
	}
	return pool[--left];
}

static char *
put_hex(char *out, uint64_t value, int digits)
{
	static const char hex[] = "0123456789abcdef";
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = hex[value & 15];
		value >>= 4;
	}
	return out + digits;
}

/*
 * RFC 9562 section 5.7, with method 3 of 6.2: the 12 bits below the
 * milliseconds are a fraction of them.  Where the clock stands still or goes
 * back, the last id's time counts on by one, so ids never go back.
 */
void
event_id(int64_t wall_ns, char out[EVENT_ID_SIZE])
{
	static uint64_t last;
	uint64_t ns = wall_ns > 0 ? (uint64_t)wall_ns : 0;
	uint64_t time = (ns / 1000000) << 12 | (ns % 1000000) * 4096 / 1000000;
	uint64_t random = random64();
	if (time <= last)
		time = last + 1;
	last = time;
	char *p = put_hex(out, time >> 28, 8);
	*p++ = '-';
	p = put_hex(p, time >> 12, 4);
	*p++ = '-';
	*p++ = '7';
	p = put_hex(p, time, 3);
	*p++ = '-';
	p = put_hex(p, 0x8000 | (random >> 48 & 0x3fff), 4); /* variant 10 */
	*p++ = '-';
	p = put_hex(p, random, 12);
	*p = '\0';
}

static const struct buf *
absolute(const struct event_frame *frame, const char *root, const char *path, size_t len)
{
	struct buf *b = frame->path;
	buf_reset(b);
	buf_adds(b, root);
	if (len > 0 && (b->len == 0 || b->p[b->len - 1] != '/'))
		buf_addc(b, '/');
	buf_add(b, path, len);
	return b;
}

/* Adds ,"name":"path" and, where that is not UTF-8, ,"name_b64": its bytes. */
static void
add_path(struct buf *b, const char *name, const struct buf *path)
{
	add(b, ",\"");
	buf_adds(b, name);
	add(b, "\":");
	if (buf_add_json(b, path->p, path->len))
		return;
	add(b, ",\"");
	buf_adds(b, name);
	add(b, "_b64\":\"");
	buf_add_base64(b, path->p, path->len);
	buf_addc(b, '"');
}

static void
add_number(struct buf *b, const char *name, int64_t value)
{
	add(b, ",\"");
	buf_adds(b, name);
	add(b, "\":");
	buf_addi(b, value);
}

/* ,"temp_files":["path"] and, where one is not UTF-8, ,"temp_files_b64" of all. */
static void
add_temps(struct buf *b, const struct event_frame *frame, const struct event *ev)
{
	bool exact = true;
	add(b, ",\"temp_files\":[");
	for (size_t i = 0; i < ev->n_temps; i++) {
		const struct event_temp *temp = &ev->temps[i];
		const struct buf *path = absolute(frame, ev->root, temp->path, temp->len);
		if (i > 0)
			buf_addc(b, ',');
		exact &= buf_add_json(b, path->p, path->len);
	}
	buf_addc(b, ']');
	for (size_t i = 0; i < ev->n_temps && !exact; i++) {
		const struct event_temp *temp = &ev->temps[i];
		const struct buf *path = absolute(frame, ev->root, temp->path, temp->len);
		buf_adds(b, i == 0 ? ",\"temp_files_b64\":[\"" : ",\"");
		buf_add_base64(b, path->p, path->len);
		buf_addc(b, '"');
	}
	if (!exact)
		buf_addc(b, ']');
}

static void
add_edited(struct buf *b, const struct event_frame *frame, const struct event *ev)
{
	add_string(b, "method", method_names[ev->method]);
	if (ev->fresh)
		add(b, ",\"created\":true");
	if (ev->n_temps > 0)
		add_temps(b, frame, ev);
}

static void
add_gap(struct buf *b, const struct event *ev)
{
	if (ev->cause)
		add_string(b, "cause", ev->cause);
	if (ev->count > 0)
		add_number(b, "count", (int64_t)ev->count);
	buf_adds(b, ev->repaired ? ",\"repaired\":true" : ",\"repaired\":false");
}

static void
add_started(struct buf *b, const struct event *ev)
{
	if (ev->backend)
		add_string(b, "backend", ev->backend);
	add_number(b, "directories", (int64_t)ev->directories);
	add_number(b, "files", (int64_t)ev->files);
	add_number(b, "ready_ms", ev->ready_ms);
	if (ev->handover)
		buf_adds(b, ",\"handover\":true");
}

static void
add_alert(struct buf *b, const struct event *ev)
{
	add_string(b, "name", ev->alert);
	add_string(b, "rule", ev->rule);
	add_number(b, "value", ev->value);
	add_number(b, "threshold", ev->threshold);
}

/* ,"event_type":{"type":"modified","kind":"content"} */
static void
add_type(struct buf *b, const struct event_frame *frame, const struct event *ev)
{
	add(b, ",\"event_type\":{\"type\":\"");
	buf_adds(b, type_names[ev->type]);
	buf_addc(b, '"');
	if (ev->type == EVENT_MODIFIED && ev->kind != EVENT_KIND_NONE)
		add_string(b, "kind", kind_names[ev->kind]);
	else if (ev->type == EVENT_RENAMED)
		add_path(
		    b, "from", absolute(frame, ev->root, ev->old_path, ev->old_path_len));
	else if (ev->type == EVENT_EDITED)
		add_edited(b, frame, ev);
	else if (ev->type == EVENT_GAP)
		add_gap(b, ev);
	else if (ev->type == EVENT_STARTED)
		add_started(b, ev);
	else if (ev->type == EVENT_LIMITED)
		add_number(b, "dropped", (int64_t)ev->count);
	else if (ev->type == EVENT_ALERT)
		add_alert(b, ev);
	else if (ev->type == EVENT_CLOCK)
		add_number(b, "step_ms", ev->step_ms);
	else if (ev->type == EVENT_STOPPED && ev->reason)
		add_string(b, "reason", ev->reason);
	else if (ev->type == EVENT_CHECKSUMMED && ev->of > 0)
		add_number(b, "of", (int64_t)ev->of);
	buf_addc(b, '}');
}

static void
add_file(struct buf *b, const struct event_frame *frame, const struct event *ev)
{
	const struct stat *st = ev->st;
	add_path(b, "file_path", absolute(frame, ev->root, ev->path, ev->path_len));
	add(b, ",\"rel_path\":");
	buf_add_json(b, ev->path, ev->path_len);
	if (ev->is_dir)
		add(b, ",\"is_dir\":true");
	if (!st)
		return;
	if (!ev->is_dir)
		add_number(b, "size", st->st_size);
	add_number(b, "mtime_ns",
	    (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec);
	add_number(b, "inode", (int64_t)st->st_ino);
}

static void
add_content(struct buf *b, const struct event *ev)
{
	if (ev->checksum)
		add_string(b, "checksum", ev->checksum);
	if (ev->checksum_state)
		add_string(b, "checksum_state", ev->checksum_state);
	if (ev->entropy >= 0)
		buf_addf(
		    b, ",\"entropy\":%d.%03d", ev->entropy / 1000, ev->entropy % 1000);
}

void
event_render_json(struct buf *b, const struct event_frame *frame, const struct event *ev,
    uint64_t seq, const char *id, int64_t wall_ns)
{
	char time[CLK_RFC3339_SIZE];
	add(b, "{\"v\":1,\"seq\":");
	buf_addi(b, (int64_t)seq);
	add(b, ",\"id\":\"");
	buf_add(b, id, EVENT_ID_SIZE - 1);
	add(b, "\",\"timestamp_utc\":\"");
	buf_add(b, time, (size_t)clk_rfc3339(wall_ns, time));
	buf_addc(b, '"');
	add_type(b, frame, ev);
	if (ev->path)
		add_file(b, frame, ev);
	if (ev->type == EVENT_CHECKSUMMED)
		add_content(b, ev);
	if (ev->source) {
		add(b, ",\"source\":\"");
		buf_adds(b, ev->source);
		buf_addc(b, '"');
	}
	if (ev->doer)
		buf_adds(b, ev->doer);
	if (ev->git)
		buf_adds(b, ev->git);
	buf_add(b, frame->tags.p, frame->tags.len);
	add(b, "}\n");
}
