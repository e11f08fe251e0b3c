/* SPDX-License-Identifier: ISC */
/* events: prints and follows the event log. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/glob.h"
#include "base/json.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "ctl/path.h"
#include "ctl/print.h"
#include "ctl/project.h"
#include "ctl/segments.h"
#include "ctl/text.h"
#include "ctl/when.h"
#include "eventlog/event.h"
#include "eventlog/head.h"
#include "policy/filter.h"

#define LINES_DEFAULT 10
#define LINES_ALL (-1)
#define LINES_UNSET (-2)
#define DAY_LEN (sizeof("2026-01-31") - 1)
/* inotify(7) tells of new records; this is for what it does not see. */
#define LOOK_MS 1000
#define LOOK_BLIND_MS 200

/* What is asked for by the tags that are members of a record. */
struct tag_filter {
	const char *name, *value; /* value NULL: any */
};

enum { TAG_TENANT, TAG_USER, TAG_SESSION, TAGS };

struct events {
	bool follow;
	bool verbose;	       /* FORMAT_PRETTY tells the sequence numbers */
	char day[DAY_LEN + 1]; /* FORMAT_PRETTY: of the last record, at first today */
	long lines;	       /* LINES_ALL: all */
	enum config_format format;
	struct when since, until;
	bool since_met; /* from here on all are late enough */
	bool ended;	/* from here on all are too late */
	struct tag_filter tags[TAGS];
	struct strlist types;
	struct strlist patterns;
	struct globs *globs; /* NULL: any path */
	const struct project *project;
};

static enum config_format
parse_format(struct ctl *ctl, const char *name)
{
	if (strcmp(name, "json") == 0)
		return FORMAT_JSON;
	if (strcmp(name, "pretty") == 0)
		return FORMAT_PRETTY;
	if (strcmp(name, "cloudevents") == 0)
		return FORMAT_CLOUDEVENTS;
	usage_error(ctl, "--format: %s: json, pretty or cloudevents is wanted", name);
}

static void
check_type(struct ctl *ctl, const char *name)
{
	const char *names[EVENT_TYPE_COUNT];
	const char *near;

	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		names[i] = event_type_name((enum event_type)i);
		if (strcmp(names[i], name) == 0)
			return;
	}
	near = text_nearest(name, names, EVENT_TYPE_COUNT);
	if (near != NULL)
		usage_error(
		    ctl, "--type: %s: no such type: did you mean '%s'?", name, near);
	usage_error(ctl, "--type: %s: no such type", name);
}

static void
take_options(struct ctl *ctl, int argc, char **argv, struct events *events)
{
	const char *fault;
	int key;

	events->format = isatty(STDOUT_FILENO) ? FORMAT_PRETTY : FORMAT_JSON;
	events->lines = LINES_UNSET;
	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 'f')
			events->follow = true;
		else if (key == 'v')
			events->verbose = true;
		else if (key == 'n')
			events->lines = args_number(ctl, "--lines", optarg, 0);
		else if (key == 's')
			when_parse(ctl, "--since", optarg, &events->since);
		else if (key == 'u')
			when_parse(ctl, "--until", optarg, &events->until);
		else if (key == OPT_TENANT)
			events->tags[TAG_TENANT].value = optarg;
		else if (key == OPT_USER)
			events->tags[TAG_USER].value = optarg;
		else if (key == OPT_SESSION)
			events->tags[TAG_SESSION].value = optarg;
		else if (key == OPT_FORMAT)
			events->format = parse_format(ctl, optarg);
		else if (key == 't')
			strlist_add(&events->types, optarg);
		else
			strlist_add(&events->patterns, optarg);
	}
	args_words(ctl, argc, 0, 0);
	if (when_is_after(&events->since, &events->until))
		usage_error(ctl, "--since is after --until: nothing is between them");
	for (size_t i = 0; i < events->types.n; i++)
		check_type(ctl, events->types.v[i]);
	for (size_t i = 0; i < events->patterns.n; i++)
		if ((fault = glob_check(events->patterns.v[i])) != NULL)
			usage_error(ctl, "--path: %s: %s", events->patterns.v[i], fault);
	if (events->patterns.n > 0)
		events->globs = globs_new(&events->patterns);
	if (ctl->json)
		events->format = FORMAT_JSON;
	if (events->lines == LINES_UNSET)
		events->lines = when_is_set(&events->since) || when_is_set(&events->until)
		    ? LINES_ALL
		    : LINES_DEFAULT;
}

static bool
type_is_wanted(const struct events *events, const cJSON *record)
{
	const char *type = get_string(get(record, "event_type"), "type");

	for (size_t i = 0; i < events->types.n; i++)
		if (strcmp(events->types.v[i], type) == 0)
			return true;
	return events->types.n == 0;
}

/* What is below a root, as globs want it; NULL where path is below none. */
static const char *
relative(const struct project *project, const char *path)
{
	const struct strlist *roots =
	    project->config != NULL ? &project->config->roots : NULL;

	for (size_t i = 0; roots != NULL && i < roots->n; i++)
		if (path_is_below(roots->v[i], path) && path[strlen(roots->v[i])] == '/')
			return path + strlen(roots->v[i]) + 1;
	if (path_is_below(project->root, path) && path[strlen(project->root)] == '/')
		return path + strlen(project->root) + 1;
	return NULL;
}

/* name is an absolute path; name_b64 has its bytes where it is not UTF-8. */
static bool
globs_want(
    const struct events *events, const cJSON *object, const char *name, bool is_dir)
{
	char *name_b64 = xasprintf("%s_b64", name);
	char *exact = NULL;
	const char *path;
	size_t len;

	if (has(object, name_b64))
		exact = text_base64_decode(get_string(object, name_b64), &len);
	path =
	    relative(events->project, exact != NULL ? exact : get_string(object, name));
	bool wanted =
	    path != NULL && globs_match(events->globs, path, strlen(path), is_dir);
	free(exact);
	free(name_b64);
	return wanted;
}

static bool
path_is_wanted(const struct events *events, const cJSON *record)
{
	bool is_dir = get_bool(record, "is_dir");

	return events->globs == NULL || globs_want(events, record, "file_path", is_dir) ||
	    globs_want(events, get(record, "event_type"), "from", is_dir);
}

static bool
tags_are_wanted(const struct events *events, const cJSON *record)
{
	for (size_t i = 0; i < TAGS; i++)
		if (events->tags[i].value != NULL &&
		    strcmp(get_string(record, events->tags[i].name),
			events->tags[i].value) != 0)
			return false;
	return true;
}

static bool
is_filtered(const struct events *events)
{
	for (size_t i = 0; i < TAGS; i++)
		if (events->tags[i].value != NULL)
			return true;
	return events->types.n > 0 || events->globs != NULL;
}

static bool
is_too_late(const struct events *events, const char *line, size_t len)
{
	struct record_head head;

	return when_is_set(&events->until) && head_parse(line, len, &head) &&
	    when_compare(&head, &events->until) > 0;
}

static bool
passes_filter(void *ctx, const char *line, size_t len)
{
	const struct events *events = ctx;
	struct json_error error;
	cJSON *record;
	bool passes;

	if (is_too_late(events, line, len))
		return false;
	if (!is_filtered(events))
		return true;
	record = json_parse(line, len, &error);
	passes = record != NULL && type_is_wanted(events, record) &&
	    tags_are_wanted(events, record) && path_is_wanted(events, record);
	cJSON_Delete(record);
	return passes;
}

static bool
is_too_early(void *ctx, const char *line, size_t len)
{
	const struct events *events = ctx;
	struct record_head head;

	return head_parse(line, len, &head) && when_compare(&head, &events->since) < 0;
}

/* Records are in order, so what follows one that is late enough is so, too. */
static bool
is_wanted(struct events *events, const char *line, size_t len)
{
	if (!events->since_met && is_too_early(events, line, len))
		return false;
	events->since_met = true;
	return passes_filter(events, line, len);
}

static void
seek(struct events *events, struct segments *segments)
{
	if (events->lines > 0)
		segments_seek_last(segments, events->lines, passes_filter, events);
	else if (events->lines == 0)
		segments_seek_end(segments);
	else if (when_is_set(&events->since))
		segments_seek(segments, is_too_early, events);
	else
		segments_seek_start(segments);
}

static int
cannot_read(struct ctl *ctl, const struct segments *segments)
{
	int saved = errno;
	char *path = segments_trouble(segments);

	complain(ctl, "%s: %s", path,
	    saved == EBADMSG ? "the compressed segment is damaged" : strerror(saved));
	free(path);
	return -1;
}

/* What else is there is printed; 'filemonctl verify' says whether it is whole. */
static void
tell_no_record(const struct ctl *ctl, const struct segments *segments)
{
	char *path = segments_place(segments);

	complain(ctl, "%s: a line is no record (left out)", path);
	free(path);
}

static int
cannot_write(const struct ctl *ctl)
{
	if (errno == EPIPE) /* nobody reads any more: not worth a word */
		return 1;
	complain(ctl, "standard output: %s", strerror(errno));
	return -1;
}

static void
note_day(struct events *events, const char *time)
{
	memcpy(events->day, time, DAY_LEN);
	events->day[DAY_LEN] = '\0';
}

/* What stands before a line for people: the day, where it is another, and the number. */
static void
add_before(struct events *events, const char *line, size_t len, struct buf *out)
{
	struct record_head head;

	if (!head_parse(line, len, &head) || head.time_len < DAY_LEN ||
	    strspn(head.time, "0123456789-") != DAY_LEN)
		return;
	if (memcmp(head.time, events->day, DAY_LEN) != 0) {
		note_day(events, head.time);
		buf_addf(out, "%s UTC\n", events->day);
	}
	if (events->verbose)
		buf_addf(out, "%8llu ", (unsigned long long)head.seq);
}

/* Prints what there is; -1 where reading or writing failed, which was told, 1
   where nobody reads. */
static int
print_new(struct ctl *ctl, struct events *events, struct segments *segments)
{
	struct buf out = BUF_INIT;
	const char *line;
	size_t len;
	int n;

	while ((n = segments_next(segments, &line, &len)) == 1) {
		events->ended = is_too_late(events, line, len);
		if (events->ended)
			break;
		if (!is_wanted(events, line, len))
			continue;
		buf_reset(&out);
		if (events->format == FORMAT_PRETTY)
			add_before(events, line, len, &out);
		if (event_convert(line, len, events->format, &out) == -1) {
			tell_no_record(ctl, segments);
			events->day[0] = '\0'; /* it may have been told there */
			continue;
		}
		if (fwrite(out.p, 1, out.len, stdout) != out.len)
			break;
	}
	buf_release(&out);
	if (n == -1)
		return cannot_read(ctl, segments);
	return fflush(stdout) == EOF || ferror(stdout) ? cannot_write(ctl) : 0;
}

/* False where nobody reads our output any more. */
static bool
wait_for_more(int inotify, const char *dir)
{
	struct pollfd fds[] = { { .fd = inotify, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 } };
	char events[4096];
	/* Each time: the directory may have been made, or made anew. */
	int wd = inotify_add_watch(inotify, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO);

	poll(fds, COUNTOF(fds), wd == -1 ? LOOK_BLIND_MS : LOOK_MS);
	while (read(inotify, events, sizeof(events)) > 0)
		continue;
	return (fds[1].revents & (POLLERR | POLLHUP)) == 0;
}

static int
follow(struct ctl *ctl, struct events *events, struct segments *segments, const char *dir)
{
	int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int result = 0;

	/* The first wait finds the watch new: what was written before it is read. */
	inotify_add_watch(inotify, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	while ((result = print_new(ctl, events, segments)) == 0 && !events->ended &&
	    wait_for_more(inotify, dir))
		continue;
	if (inotify != -1)
		close(inotify);
	return result;
}

int
cmd_events(struct ctl *ctl, int argc, char **argv)
{
	struct events events = {
		.tags = { [TAG_TENANT] = { "tenant_id", NULL },
		    [TAG_USER] = { "user_id", NULL },
		    [TAG_SESSION] = { "session_id", NULL } },
	};
	struct project project;
	struct segments *segments = NULL;
	char today[CLK_RFC3339_SIZE], *dir = NULL;
	int code;

	take_options(ctl, argc, argv, &events);
	clk_rfc3339(clk_wall_ns(), today);
	note_day(&events, today);
	code = project_open(ctl, &project);
	if (code != CTL_OK)
		goto out;
	events.project = &project;
	dir = xasprintf("%s/events", project.state_dir);
	segments = segments_open(dir);
	events.since_met = !when_is_set(&events.since);
	seek(&events, segments);
	if ((events.follow ? follow(ctl, &events, segments, dir)
			   : print_new(ctl, &events, segments)) == -1)
		code = CTL_FAILED;
out:
	segments_close(segments);
	globs_free(events.globs);
	strlist_release(&events.types);
	strlist_release(&events.patterns);
	free(dir);
	project_release(&project);
	return code;
}
