/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/* Events through the filter and into records. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "bench/count.h"
#include "eventlog/event.h"
#include "policy/filter.h"

#define EVENTS 20000
#define PATHS 200
#define TURN 64 /* events a turn of the loop */
#define ID "0198f3c2-0000-7000-8000-000000000000"
#define WALL INT64_C(1769867983416755123)

static char paths[PATHS][64];
static struct filter *filter;
static struct event_frame *frame;
static struct buf out = BUF_INIT;

static void
make_paths(void)
{
	static const char *const names[] = { "main.c", "notes.md", "a.log", ".hidden",
		"draft~", "h\xc3\xa4user.txt", "b \"quoted\".txt", "data.csv" };

	for (int i = 0; i < PATHS; i++)
		snprintf(paths[i], sizeof(paths[i]), "src/dir-%02d/part-%d/%s", i % 20,
		    i % 7, names[i % 8]);
}

static void
record(int i)
{
	const struct stat st = { .st_size = i,
		.st_ino = (ino_t)i + 100000,
		.st_mtim = { .tv_sec = 1769867983, .tv_nsec = i } };
	const char *path = paths[i % PATHS];
	const struct event event = { .type = i % 3 == 0 ? EVENT_CREATED : EVENT_MODIFIED,
		.kind = i % 3 == 0 ? EVENT_KIND_NONE : EVENT_CONTENT,
		.root = "/home/user/project",
		.path = path,
		.path_len = strlen(path),
		.st = &st,
		.source = "inotify" };

	if (filter_want(filter, path, event.path_len, false, NULL))
		event_render_json(&out, frame, &event, (uint64_t)i + 1, ID, WALL + i);
}

void
workload(void)
{
	for (int i = 0; i < EVENTS; i++) {
		record(i);
		if (i % TURN == TURN - 1)
			buf_reset(&out);
	}
}

int
main(void)
{
	char *ignore[] = { (char *)"*.log", (char *)"build/", (char *)"**/cache/**",
		NULL };
	char *tags[] = { (char *)"tenant_id=acme", NULL };
	const struct config config = { .default_ignores = true,
		.ignore = { ignore, 3 },
		.tags = { tags, 1 },
		.state_dir = (char *)"/home/user/project/.filemon",
		.control_socket = (char *)"/home/user/project/.filemon/control.sock",
		.file = (char *)"/home/user/project/.filemon/filemon.conf" };

	make_paths();
	filter = filter_new(&config, "/home/user/project");
	frame = event_frame_new(&config);
	workload();
	buf_release(&out);
	event_frame_free(frame);
	filter_free(filter);
	return 0;
}
