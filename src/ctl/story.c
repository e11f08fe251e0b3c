/* SPDX-License-Identifier: ISC */
#include "ctl/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/text.h"

/* Where the words of a line begin. */
#define INDENT "           "

static void
duration(int64_t ms, char *out)
{
	clk_format_duration(ms, out, TEXT_SHORT);
}

static void
show_head(const cJSON *status)
{
	char uptime[TEXT_SHORT];
	char *project = item_text(status, "project"),
	     *health = item_text(status, "health");
	const cJSON *reason;

	duration(get_int(status, "uptime_ms"), uptime);
	printf("filemond %s  %s   %s (pid %d) for %s   health: %s\n",
	    get_string(status, "version"), project, peer_doing(status),
	    (int)peer_pid(status), uptime, health);
	cJSON_ArrayForEach(reason, get(status, "reasons"))
	{
		char *text =
		    text_vis_str(cJSON_IsString(reason) ? reason->valuestring : "");
		printf(INDENT "%s\n", text);
		free(text);
	}
	free(project);
	free(health);
}

static void
show_ready(const cJSON *status)
{
	char ready[TEXT_SHORT];

	duration(get_int(status, "ready_ms"), ready);
	if (get_bool(status, "ready"))
		printf("; ready after %s%s", ready,
		    get_bool(status, "taken_over") ? " (watches taken over)" : "");
	else
		printf("; not ready yet");
}

static void
show_root(const cJSON *status, const cJSON *watch, bool only)
{
	char count[TEXT_SHORT], files[TEXT_SHORT], used[TEXT_SHORT], limit[TEXT_SHORT];
	char *root = item_text(watch, "root");

	printf("%-11s%s %s", only ? "watching" : "",
	    text_count(get_int(watch, "directories"), count),
	    text_plural(get_int(watch, "directories"), "directory", "directories"));
	if (only)
		printf(", %s %s", text_count(get_int(status, "files"), files),
		    text_plural(get_int(status, "files"), "file", "files"));
	else
		printf(" in %s", root);
	printf(" by %s", get_string(watch, "backend"));
	if (get_int(watch, "watch_limit") > 0)
		printf(" (%s of %s watches)", text_count(get_int(watch, "watches"), used),
		    text_count(get_int(watch, "watch_limit"), limit));
	if (strncmp(get_string(watch, "why"), "fanotify ", 9) == 0)
		printf(" (%s)", get_string(watch, "why"));
	if (get_int(watch, "polled") > 0)
		printf(", %s polled", text_count(get_int(watch, "polled"), count));
	if (get_bool(watch, "gone"))
		printf("; the root is gone");
	if (get_bool(watch, "scanning"))
		printf("; scanning, %s directories to go",
		    text_count(get_int(watch, "to_list"), count));
	if (only)
		show_ready(status);
	putchar('\n');
	free(root);
}

static void
show_watching(const cJSON *status)
{
	const cJSON *roots = get(status, "watch"), *root;
	int n = cJSON_GetArraySize(roots);
	char files[TEXT_SHORT];

	if (n > 1) {
		printf("watching   %d roots, %s %s", n,
		    text_count(get_int(status, "files"), files),
		    text_plural(get_int(status, "files"), "file", "files"));
		show_ready(status);
		putchar('\n');
	}
	cJSON_ArrayForEach(root, roots) show_root(status, root, n == 1);
}

/* Private memory is what a process costs; an older kernel may not tell it. */
static int64_t
memory_of(const cJSON *item)
{
	int64_t kib = get_int(item, "private_kib");

	return kib > 0 ? kib : get_int(item, "rss_kib");
}

static void
show_memory(const cJSON *status)
{
	char memory[TEXT_SHORT], count[TEXT_SHORT];
	const cJSON *item;
	const char *between = "";

	printf("memory     ");
	cJSON_ArrayForEach(item, get(status, "processes"))
	{
		printf("%s%s %s", between, get_string(item, "name"),
		    text_memory(memory_of(item), memory));
		between = ", ";
	}
	printf("%sjobs %s; restarts %s", between,
	    text_memory(get_int(status, "jobs_memory_kib"), memory),
	    text_count(get_int(status, "restarts"), count));
	if (has(status, "last_restart")) {
		char *why = item_text(status, "last_restart");
		printf(" (%s)", why);
		free(why);
	}
	putchar('\n');
}

/* What is switched off stays to be seen: it may have been for a test. */
static void
show_sandbox(const cJSON *status)
{
	static const char *const names[] = { "seccomp", "landlock", "capabilities" };
	const cJSON *sandbox = get(status, "sandbox");
	char why[32];

	printf("sandbox    ");
	for (size_t i = 0; i < COUNTOF(names); i++) {
		snprintf(why, sizeof(why), "%s_why", names[i]);
		printf("%s%s%s", i > 0 ? ", " : "",
		    get_bool(sandbox, names[i]) ? "" : "no ", names[i]);
		if (!get_bool(sandbox, names[i]))
			printf(" (%s)", get_string(sandbox, why));
	}
	putchar('\n');
}

static void
show_counts(const cJSON *object, const char *const *names, const char *between)
{
	char count[TEXT_SHORT];

	for (; *names != NULL; names++)
		printf("%s %s%s", *names, text_count(get_int(object, *names), count),
		    names[1] != NULL ? between : "");
}

static void
show_events(const cJSON *status)
{
	static const char *const types[] = { "created", "modified", "deleted", "renamed",
		NULL };
	const cJSON *events = get(status, "events");
	char count[TEXT_SHORT];

	printf("events     %s recorded (", text_count(get_int(events, "records"), count));
	show_counts(events, types, ", ");
	printf("), %s gaps", text_count(get_int(events, "gaps"), count));
	printf(", %s suppressed", text_count(get_int(events, "suppressed"), count));
	if (get_int(events, "overflows") > 0)
		printf(", %s overflows", text_count(get_int(events, "overflows"), count));
	if (get_int(events, "skipped") > 0)
		printf(", %s left to listings",
		    text_count(get_int(events, "skipped"), count));
	if (get_int(events, "edited") > 0)
		printf(", %s edited", text_count(get_int(events, "edited"), count));
	if (get_int(events, "limited") > 0)
		printf(
		    ", %s over the limit", text_count(get_int(events, "limited"), count));
	if (get_int(events, "dropped") > 0)
		printf(", %s dropped", text_count(get_int(events, "dropped"), count));
	printf("%s\n", get_bool(events, "failing") ? "; the log cannot be written" : "");
}

/* Those that were raised. */
static void
show_alerts(const cJSON *status)
{
	const cJSON *alert;
	char ago[TEXT_SHORT], count[TEXT_SHORT];

	cJSON_ArrayForEach(alert, get(status, "alerts"))
	{
		if (get_int(alert, "raised") == 0)
			continue;
		duration(get_int(alert, "ago_ms"), ago);
		printf("alert      %s: %s was %lld (threshold %lld), %s ago; raised %s "
		       "%s\n",
		    get_string(alert, "name"), get_string(alert, "rule"),
		    (long long)get_int(alert, "value"),
		    (long long)get_int(alert, "threshold"), ago,
		    text_count(get_int(alert, "raised"), count),
		    text_plural(get_int(alert, "raised"), "time", "times"));
	}
}

static void
show_queue(const cJSON *status)
{
	const cJSON *queue = get(status, "queue");
	char count[TEXT_SHORT], oldest[TEXT_SHORT];

	printf("queue      %s pending", text_count(get_int(queue, "pending"), count));
	if (has(queue, "oldest_pending_ms")) {
		duration(get_int(queue, "oldest_pending_ms"), oldest);
		printf(" (oldest %s)", oldest);
	}
	printf(", %s running", text_count(get_int(queue, "running"), count));
	printf(", %s dead%s\n", text_count(get_int(queue, "dead"), count),
	    get_int(queue, "dead") > 0 ? " (see 'filemonctl failures')" : "");
}

static void
show_scan(const cJSON *status)
{
	const cJSON *scan = get(status, "scan");
	char ago[TEXT_SHORT], took[TEXT_SHORT], next[TEXT_SHORT], changes[TEXT_SHORT];

	if (!has(scan, "last_at"))
		return;
	text_ago(get_string(scan, "last_at"), clk_wall_ns(), ago);
	duration(get_int(scan, "last_ms"), took);
	printf("scan       %s in %s, %s changes found", ago, took,
	    text_count(get_int(scan, "last_changes"), changes));
	if (has(scan, "next_in_ms")) {
		duration(get_int(scan, "next_in_ms"), next);
		printf("; next in %s", next);
	}
	putchar('\n');
}

static void
show_last_error(const cJSON *error)
{
	char ago[TEXT_SHORT];
	char *path = item_path(error), *outcome = item_text(error, "outcome");

	text_ago(get_string(error, "at"), clk_wall_ns(), ago);
	printf(INDENT "last error %s: %s%s%s%s\n", path, outcome, *ago ? " (" : "", ago,
	    *ago ? ")" : "");
	free(path);
	free(outcome);
}

static void
show_breaker(const cJSON *handler)
{
	char due[TEXT_SHORT];

	printf("  breaker %s", get_string(handler, "breaker"));
	if (has(handler, "breaker_in_ms")) {
		duration(get_int(handler, "breaker_in_ms"), due);
		printf(" (probes in %s)", due);
	}
	if (get_bool(handler, "paused"))
		printf("  paused");
}

/* What makes it run again. */
static void
show_way_out(const cJSON *handler, const char *name)
{
	if (get_bool(handler, "paused"))
		printf(INDENT "'filemonctl resume' lets it run\n");
	else if (strcmp(get_string(handler, "breaker"), "closed") != 0)
		printf(INDENT "'filemonctl resume %s' tries now\n", name);
}

static void
show_handler(const cJSON *handler)
{
	static const struct {
		const char *name, *shown;
		bool always;
	} counts[] = { { "runs", "runs", true }, { "ok", "ok", true },
		{ "retries", "retries", true }, { "timeouts", "time-outs", true },
		{ "rejected", "rejected", false }, { "faults", "faults", false },
		{ "suppressed_same_content", "same content", false },
		{ "loops", "loops", false }, { "dead", "dead", true } };
	char *name = item_text(handler, "name");
	char count[TEXT_SHORT];

	printf("handler    %s ", name);
	for (size_t i = 0; i < COUNTOF(counts); i++) {
		int64_t n = get_int(handler, counts[i].name);
		if (n > 0 || counts[i].always)
			printf("  %s %s", counts[i].shown, text_count(n, count));
	}
	show_breaker(handler);
	putchar('\n');
	if (has(handler, "last_error"))
		show_last_error(get(handler, "last_error"));
	show_way_out(handler, name);
	free(name);
}

static void
show_sink(const cJSON *sink)
{
	char *name = item_text(sink, "name"), *error;
	char count[TEXT_SHORT], lag[TEXT_SHORT];
	int64_t deaths = get_int(sink, "deaths");

	printf("sink       %s  %s", name, get_string(sink, "state"));
	printf("  at %lld", (long long)get_int(sink, "seq"));
	if (get_int(sink, "lag_records") > 0) {
		duration(get_int(sink, "lag_ms"), lag);
		printf("  %s records behind (%s)",
		    text_count(get_int(sink, "lag_records"), count), lag);
	}
	if (deaths > 0)
		printf("  ended by itself %s times", text_count(deaths, count));
	if (get_int(sink, "missed") > 0)
		printf("  missed %s records", text_count(get_int(sink, "missed"), count));
	putchar('\n');
	if (has(sink, "last_error")) {
		error = item_text(sink, "last_error");
		printf(INDENT "last error: %s\n", error);
		free(error);
	}
	free(name);
}

static void
show_limits(const cJSON *status)
{
	char *limits = item_text(status, "limits");

	if (*limits != '\0')
		printf("limits     %s\n", limits);
	free(limits);
}

static void
show_loop(const cJSON *loop)
{
	char *path = item_path(loop), *handler = item_text(loop, "handler");
	char due[TEXT_SHORT], count[TEXT_SHORT];

	duration(get_int(loop, "in_ms"), due);
	printf(
	    "loop       %s: changed by the last %s runs for it (handler %s); left alone "
	    "for %s\n",
	    path, text_count(get_int(loop, "runs"), count), handler, due);
	free(path);
	free(handler);
}

static void
show_state(const cJSON *status)
{
	const cJSON *state = get(status, "state");
	char *path, *error;

	if (!get_bool(state, "failing"))
		return;
	path = item_text(state, "path");
	error = item_text(state, "error");
	printf("state      %s cannot be written: %s (nothing is marked delivered)\n",
	    path, error);
	free(path);
	free(error);
}

void
story_show(const cJSON *status)
{
	const cJSON *handler, *sink, *loop;

	show_head(status);
	show_watching(status);
	show_memory(status);
	show_sandbox(status);
	show_events(status);
	show_alerts(status);
	show_queue(status);
	show_scan(status);
	show_state(status);
	show_limits(status);
	cJSON_ArrayForEach(handler, get(status, "handlers")) show_handler(handler);
	cJSON_ArrayForEach(sink, get(status, "sinks")) show_sink(sink);
	cJSON_ArrayForEach(loop, get(status, "loops")) show_loop(loop);
}
