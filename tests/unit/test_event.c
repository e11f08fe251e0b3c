/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "eventlog/event.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "unit.h"

#define WALL INT64_C(1769867983416755123) /* 2026-01-31T13:59:43.416755123Z */
#define ID "0198f3c2-0000-7000-8000-000000000000"

static char *tags[] = { (char *)"tenant_id=acme", (char *)"team=a \"b\"",
	(char *)"session_id=s1", (char *)"tenant_id=beta", (char *)"k=v=w", NULL };

static const struct stat st = {
	.st_size = 6942, .st_ino = 77, .st_mtim = { .tv_sec = 1769867983, .tv_nsec = 5 }
};

static struct event
event(enum event_type type, const char *path)
{
	struct event ev = { .type = type, .root = "/home/u/p", .source = "inotify" };
	ev.path = path;
	ev.path_len = path ? strlen(path) : 0;
	return ev;
}

static char *
render(const struct event *ev, const struct config *config)
{
	struct buf b = BUF_INIT;
	struct event_frame *frame = event_frame_new(config);
	event_render_json(&b, frame, ev, 1842, ID, WALL);
	event_frame_free(frame);
	return b.p;
}

/* What stands between the time and the end. */
static void
check(const struct event *ev, const char *want)
{
	static const char head[] =
	    "{\"v\":1,\"seq\":1842,\"id\":\"" ID "\","
	    "\"timestamp_utc\":\"2026-01-31T13:59:43.416755123Z\",";
	const struct config config = { 0 };
	char *line = render(ev, &config);
	ck_assert_msg(strncmp(line, head, strlen(head)) == 0, "%s", line);
	ck_assert_str_eq(line + strlen(head), want);
	cJSON *parsed = cJSON_Parse(line);
	ck_assert(parsed);
	cJSON_Delete(parsed);
	free(line);
}

START_TEST(a_change_of_content_has_its_members_in_order)
{
	struct event ev = event(EVENT_MODIFIED, "docs/a.md");
	ev.kind = EVENT_CONTENT;
	ev.st = &st;
	check(&ev,
	    "\"event_type\":{\"type\":\"modified\",\"kind\":\"content\"},"
	    "\"file_path\":\"/home/u/p/docs/a.md\",\"rel_path\":\"docs/a.md\","
	    "\"size\":6942,\"mtime_ns\":1769867983000000005,\"inode\":77,"
	    "\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(a_deleted_path_has_no_stamps)
{
	struct event ev = event(EVENT_DELETED, "a");
	check(&ev,
	    "\"event_type\":{\"type\":\"deleted\"},\"file_path\":\"/home/u/p/a\","
	    "\"rel_path\":\"a\",\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(a_directory_says_so_and_has_no_size)
{
	struct event ev = event(EVENT_CREATED, "d");
	ev.is_dir = true;
	ev.st = &st;
	check(&ev,
	    "\"event_type\":{\"type\":\"created\"},\"file_path\":\"/home/u/p/d\","
	    "\"rel_path\":\"d\",\"is_dir\":true,\"mtime_ns\":1769867983000000005,"
	    "\"inode\":77,\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(a_rename_tells_where_from)
{
	struct event ev = event(EVENT_RENAMED, "b");
	ev.old_path = "x/a";
	ev.old_path_len = 3;
	check(&ev,
	    "\"event_type\":{\"type\":\"renamed\",\"from\":\"/home/u/p/x/a\"},"
	    "\"file_path\":\"/home/u/p/b\",\"rel_path\":\"b\","
	    "\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_carried_exactly)
{
	struct event ev = event(EVENT_RENAMED, "b\xff");
	ev.old_path = "\xfe\"";
	ev.old_path_len = 2;
	ev.root = "/p";
	ev.source = NULL;
	check(&ev,
	    "\"event_type\":{\"type\":\"renamed\",\"from\":\"/p/\xef\xbf\xbd\\\"\","
	    "\"from_b64\":\"L3Av/iI=\"},\"file_path\":\"/p/b\xef\xbf\xbd\","
	    "\"file_path_b64\":\"L3AvYv8=\",\"rel_path\":\"b\xef\xbf\xbd\"}\n");
}
END_TEST

START_TEST(the_root_itself_has_an_empty_path)
{
	struct event ev = event(EVENT_DELETED, "");
	ev.is_dir = true;
	check(&ev,
	    "\"event_type\":{\"type\":\"deleted\"},\"file_path\":\"/home/u/p\","
	    "\"rel_path\":\"\",\"is_dir\":true,\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(a_root_that_ends_in_a_slash_gets_no_second_one)
{
	struct event ev = event(EVENT_DELETED, "etc");
	ev.root = "/";
	check(&ev,
	    "\"event_type\":{\"type\":\"deleted\"},\"file_path\":\"/etc\","
	    "\"rel_path\":\"etc\",\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(a_gap_says_why_how_many_and_whether_it_was_repaired)
{
	struct event ev = event(EVENT_GAP, NULL);
	ev.cause = "log-full";
	ev.count = 12;
	ev.source = NULL;
	check(&ev,
	    "\"event_type\":{\"type\":\"gap\",\"cause\":\"log-full\",\"count\":12,"
	    "\"repaired\":false}}\n");
	ev = event(EVENT_GAP, "sub");
	ev.cause = "overflow";
	ev.repaired = true;
	ev.is_dir = true;
	check(&ev,
	    "\"event_type\":{\"type\":\"gap\",\"cause\":\"overflow\",\"repaired\":true},"
	    "\"file_path\":\"/home/u/p/sub\",\"rel_path\":\"sub\",\"is_dir\":true,"
	    "\"source\":\"inotify\"}\n");
}
END_TEST

START_TEST(start_and_stop_are_records)
{
	struct event ev = { .type = EVENT_STARTED,
		.backend = "inotify",
		.directories = 3,
		.files = 40,
		.ready_ms = 5 };
	check(&ev,
	    "\"event_type\":{\"type\":\"started\",\"backend\":\"inotify\","
	    "\"directories\":3,\"files\":40,\"ready_ms\":5}}\n");
	ev = (struct event){ .type = EVENT_STOPPED, .reason = "asked to" };
	check(&ev, "\"event_type\":{\"type\":\"stopped\",\"reason\":\"asked to\"}}\n");
}
END_TEST

START_TEST(tags_are_members_or_metadata_and_the_last_counts)
{
	const struct config config = { .tags = { tags, 5 } };
	struct event ev = event(EVENT_DELETED, "a");
	char *line = render(&ev, &config);
	ck_assert(strstr(line,
	    ",\"source\":\"inotify\",\"session_id\":\"s1\",\"tenant_id\":\"beta\","
	    "\"metadata\":{\"team\":\"a \\\"b\\\"\",\"k\":\"v=w\"}}\n"));
	free(line);
}
END_TEST

START_TEST(ids_are_uuids_of_version_7_with_the_time)
{
	char id[EVENT_ID_SIZE];
	event_id(WALL, id);
	ck_assert_int_eq(strlen(id), 36);
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		ck_assert(
		    dash ? id[i] == '-' : strchr("0123456789abcdef", id[i]) != NULL);
	}
	ck_assert_int_eq(id[14], '7');
	ck_assert(strchr("89ab", id[19]));
	id[8] = '\0';
	id[13] = '\0';
	uint64_t ms = strtoull(id, NULL, 16) << 16 | strtoull(id + 9, NULL, 16);
	ck_assert_int_eq((int64_t)ms, WALL / 1000000);
}
END_TEST

START_TEST(ids_grow_even_where_the_clock_stands_or_goes_back)
{
	char last[EVENT_ID_SIZE], id[EVENT_ID_SIZE];
	event_id(WALL, last);
	for (int i = 0; i < 10000; i++) {
		event_id(WALL - (i % 3) * INT64_C(5000000000), id);
		ck_assert_int_gt(strcmp(id, last), 0);
		memcpy(last, id, sizeof(id));
	}
	event_id(WALL + INT64_C(60000000000), id);
	ck_assert_int_gt(strcmp(id, last), 0);
}
END_TEST

static void
converts(const struct event *ev, enum config_format format, const char *want)
{
	const struct config config = { 0 };
	struct buf out = BUF_INIT;
	char *line = render(ev, &config);
	ck_assert_int_eq(event_convert(line, strlen(line), format, &out), 0);
	ck_assert_str_eq(out.p, want ? want : line);
	buf_reset(&out);
	ck_assert_int_eq(event_convert(line, strlen(line) - 1, format, &out), 0);
	ck_assert_str_eq(out.p, want ? want : line);
	buf_release(&out);
	free(line);
}

START_TEST(json_is_the_line_as_it_stands)
{
	struct event ev = event(EVENT_DELETED, "a");
	converts(&ev, FORMAT_JSON, NULL);
}
END_TEST

START_TEST(pretty_is_for_people)
{
	struct event ev = event(EVENT_MODIFIED, "docs/a.md");
	ev.st = &st;
	ev.kind = EVENT_CONTENT;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 modified docs/a.md (6.9 kB)\n");
	ev.kind = EVENT_METADATA;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 modified docs/a.md (metadata)\n");
	ev.type = EVENT_CREATED;
	ev.is_dir = true;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 created docs/a.md/\n");
	ev = event(EVENT_RENAMED, "b");
	ev.old_path = "x/a";
	ev.old_path_len = 3;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 renamed x/a -> b\n");
	ev = event(EVENT_DELETED, "");
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 deleted /home/u/p\n");
}
END_TEST

START_TEST(pretty_tells_of_the_stream_itself)
{
	struct event ev = { .type = EVENT_GAP, .cause = "slow-reader", .count = 7 };
	converts(
	    &ev, FORMAT_PRETTY, "13:59:43.416 gap: slow-reader: 7 lost (not repaired)\n");
	ev = event(EVENT_GAP, "sub");
	ev.cause = "overflow";
	ev.repaired = ev.is_dir = true;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 gap sub/: overflow (repaired)\n");
	ev = (struct event){ .type = EVENT_STARTED, .backend = "poll", .ready_ms = 8 };
	converts(&ev, FORMAT_PRETTY,
	    "13:59:43.416 started: poll, 0 directories, 0 files, ready after 8 ms\n");
	ev.directories = ev.files = 1;
	converts(&ev, FORMAT_PRETTY,
	    "13:59:43.416 started: poll, 1 directory, 1 file, ready after 8 ms\n");
	ev = (struct event){ .type = EVENT_STOPPED, .reason = "asked to" };
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 stopped: asked to\n");
}
END_TEST

START_TEST(pretty_lets_no_byte_steer_a_terminal)
{
	struct event ev =
	    event(EVENT_DELETED, "\x1b[2J\n\\\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\xff");
	converts(&ev, FORMAT_PRETTY,
	    "13:59:43.416 deleted "
	    "\\033[2J\\012\\134\\177\\302\\233\\342\\200\\256\xc3\xa9"
	    "\\377\n");
	ev = event(EVENT_DELETED, "\xfe/\xff");
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 deleted \\376/\\377\n");
	ev = event(EVENT_RENAMED, "\xff");
	ev.old_path = "d\xfe/a";
	ev.old_path_len = 4;
	converts(&ev, FORMAT_PRETTY, "13:59:43.416 renamed d\\376/a -> \\377\n");
}
END_TEST

START_TEST(sizes_are_short)
{
	static const struct {
		int64_t size;
		const char *text;
	} sizes[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" },
		{ 999949, "999.9 kB" }, { 999950, "1.0 MB" },
		{ INT64_C(5000000000), "5.0 GB" }, { INT64_MAX, "9.2 EB" } };
	for (size_t i = 0; i < COUNTOF(sizes); i++) {
		struct stat big = { .st_size = sizes[i].size };
		struct event ev = event(EVENT_CREATED, "a");
		char *want = xasprintf("13:59:43.416 created a (%s)\n", sizes[i].text);
		ev.st = &big;
		converts(&ev, FORMAT_PRETTY, want);
		free(want);
	}
}
END_TEST

static cJSON *
cloudevent(const struct event *ev)
{
	const struct config config = { 0 };
	struct buf out = BUF_INIT;
	char *line = render(ev, &config);
	ck_assert_int_eq(event_convert(line, strlen(line), FORMAT_CLOUDEVENTS, &out), 0);
	cJSON *item = cJSON_ParseWithOpts(out.p, NULL, false);
	ck_assert_msg(item, "%s", out.p);
	ck_assert_int_eq(out.p[out.len - 1], '\n');
	ck_assert(memchr(out.p, '\n', out.len - 1) == NULL);
	buf_release(&out);
	free(line);
	return item;
}

static void
has(const cJSON *item, const char *name, const char *value)
{
	ck_assert_pstr_eq(
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name)), value);
}

START_TEST(cloudevents_carry_the_record)
{
	struct event ev = event(EVENT_CREATED, "docs/a \"b\".md");
	ev.root = "/home/u/my p\xc3\xa9";
	cJSON *item = cloudevent(&ev);
	has(item, "specversion", "1.0");
	has(item, "id", ID);
	has(item, "source", "file:///home/u/my%20p%C3%A9");
	has(item, "type", "filemon.created");
	has(item, "time", "2026-01-31T13:59:43.416755123Z");
	has(item, "subject", "docs/a \"b\".md");
	has(item, "datacontenttype", "application/json");
	has(cJSON_GetObjectItem(item, "data"), "rel_path", "docs/a \"b\".md");
	cJSON_Delete(item);
}
END_TEST

START_TEST(cloudevents_of_the_stream_have_a_source_too)
{
	struct event ev = { .type = EVENT_STOPPED, .reason = "x" };
	cJSON *item = cloudevent(&ev);
	has(item, "source", "urn:filemon");
	has(item, "subject", NULL);
	cJSON_Delete(item);
	ev = event(EVENT_DELETED, "etc");
	ev.root = "/";
	item = cloudevent(&ev);
	has(item, "source", "file:///");
	cJSON_Delete(item);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
	static const char *const bad[] = { "", "\n", "x", "{", "{\"v\":1,\"se", "[1]",
		"{}\n{}", "null" };
	static const char *const odd[] = { "{}", "{\"id\":1}", "{\"event_type\":{}}",
		"{\"event_type\":{\"type\":\"x\"},\"id\":\"\",\"timestamp_utc\":\"t\"}",
		"{\"event_type\":\"x\",\"id\":\"i\",\"timestamp_utc\":\"t\"}", "{x}" };
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < COUNTOF(bad); i++) {
		for (int format = FORMAT_JSON; format <= FORMAT_CLOUDEVENTS; format++)
			ck_assert_int_eq(
			    event_convert(bad[i], strlen(bad[i]), format, &out), -1);
	}
	for (size_t i = 0; i < COUNTOF(odd); i++) {
		for (int format = FORMAT_PRETTY; format <= FORMAT_CLOUDEVENTS; format++)
			ck_assert_int_eq(
			    event_convert(odd[i], strlen(odd[i]), format, &out), -1);
	}
	ck_assert_int_eq(event_convert("{\0}", 3, FORMAT_JSON, &out), -1);
	ck_assert_int_eq(out.len, 0);
	buf_release(&out);
}
END_TEST

START_TEST(a_record_of_a_later_version_is_shown_as_far_as_it_is_known)
{
	static const char line[] =
	    "{\"v\":1,\"seq\":1,\"id\":\"i\",\"timestamp_utc\":\"2026-01-31T13:59:43."
	    "416Z\","
	    "\"event_type\":{\"type\":\"edited\",\"method\":\"atomic\"},"
	    "\"file_path\":\"/p/a\",\"rel_path\":\"a\",\"new\":[1,{\"x\":null}]}";
	struct buf out = BUF_INIT;
	ck_assert_int_eq(event_convert(line, strlen(line), FORMAT_PRETTY, &out), 0);
	ck_assert_str_eq(out.p, "13:59:43.416 edited a\n");
	buf_release(&out);
}
END_TEST

START_TEST(types_have_their_names)
{
	ck_assert_str_eq(event_type_name(EVENT_CREATED), "created");
	ck_assert_str_eq(event_type_name(EVENT_STOPPED), "stopped");
}
END_TEST

UNIT_MAIN("event", a_change_of_content_has_its_members_in_order,
    a_deleted_path_has_no_stamps, a_directory_says_so_and_has_no_size,
    a_rename_tells_where_from, bytes_that_are_not_utf8_are_carried_exactly,
    the_root_itself_has_an_empty_path, a_root_that_ends_in_a_slash_gets_no_second_one,
    a_gap_says_why_how_many_and_whether_it_was_repaired, start_and_stop_are_records,
    tags_are_members_or_metadata_and_the_last_counts,
    ids_are_uuids_of_version_7_with_the_time,
    ids_grow_even_where_the_clock_stands_or_goes_back, json_is_the_line_as_it_stands,
    pretty_is_for_people, pretty_tells_of_the_stream_itself,
    pretty_lets_no_byte_steer_a_terminal, sizes_are_short, cloudevents_carry_the_record,
    cloudevents_of_the_stream_have_a_source_too, what_is_no_record_is_refused,
    a_record_of_a_later_version_is_shown_as_far_as_it_is_known, types_have_their_names)
