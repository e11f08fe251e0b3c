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
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "ctl/print.h"
#include "ctl/project.h"
#include "ctl/segments.h"
#include "ctl/selection.h"
#include "eventlog/event.h"
#include "eventlog/head.h"

#define LINES_DEFAULT 10
#define LINES_ALL (-1)
#define LINES_UNSET (-2)
#define DAY_LEN (sizeof("2026-01-31") - 1)
/* inotify(7) tells of new records; this is for what it does not see. */
#define LOOK_MS 1000
#define LOOK_BLIND_MS 200

struct events {
	bool follow;
	bool verbose;	       /* FORMAT_PRETTY tells the sequence numbers */
	char day[DAY_LEN + 1]; /* FORMAT_PRETTY: of the last record, at first today */
	long lines;	       /* LINES_ALL: all */
	enum config_format format;
	struct selection selection;
	bool since_met; /* from here on all are late enough */
	bool ended;	/* from here on all are too late */
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
take_options(struct ctl *ctl, int argc, char **argv, struct events *events)
{
	struct selection *wanted = &events->selection;
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
			when_parse(ctl, "--since", optarg, &wanted->since);
		else if (key == 'u')
			when_parse(ctl, "--until", optarg, &wanted->until);
		else if (key == OPT_TENANT)
			wanted->tags[TAG_TENANT] = optarg;
		else if (key == OPT_USER)
			wanted->tags[TAG_USER] = optarg;
		else if (key == OPT_SESSION)
			wanted->tags[TAG_SESSION] = optarg;
		else if (key == OPT_FORMAT)
			events->format = parse_format(ctl, optarg);
		else if (key == 't')
			strlist_add(&wanted->types, optarg);
		else
			strlist_add(&wanted->patterns, optarg);
	}
	args_words(ctl, argc, 0, 0);
	selection_check(ctl, wanted);
	if (ctl->json)
		events->format = FORMAT_JSON;
	if (events->lines == LINES_UNSET)
		events->lines = selection_has_times(wanted) ? LINES_ALL : LINES_DEFAULT;
}

/* Records are in order, so what follows one that is late enough is so, too. */
static bool
is_wanted(struct events *events, const char *line, size_t len)
{
	if (!events->since_met && selection_is_too_early(&events->selection, line, len))
		return false;
	events->since_met = true;
	return selection_passes(&events->selection, line, len);
}

static void
seek(struct events *events, struct segments *segments)
{
	struct selection *wanted = &events->selection;

	if (events->lines > 0)
		segments_seek_last(segments, events->lines, selection_passes, wanted);
	else if (events->lines == 0)
		segments_seek_end(segments);
	else if (when_is_set(&wanted->since))
		segments_seek(segments, selection_is_too_early, wanted);
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
		events->ended = selection_is_too_late(&events->selection, line, len);
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
	struct events events = { .follow = false };
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
	events.selection.project = &project;
	dir = xasprintf("%s/events", project.state_dir);
	segments = segments_open(dir);
	events.since_met = !when_is_set(&events.selection.since);
	seek(&events, segments);
	if ((events.follow ? follow(ctl, &events, segments, dir)
			   : print_new(ctl, &events, segments)) == -1)
		code = CTL_FAILED;
out:
	segments_close(segments);
	selection_release(&events.selection);
	free(dir);
	project_release(&project);
	return code;
}
