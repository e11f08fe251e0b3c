/* SPDX-License-Identifier: ISC */
/* why: what is known of a path, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "ctl/client.h"
#include "ctl/print.h"
#include "ctl/subject.h"
#include "ctl/text.h"

static void
tell_rule(const cJSON *why)
{
	const cJSON *rule = get(why, "rule");
	bool wanted = get_bool(why, "wanted");
	char *pattern = item_text(rule, "pattern"), *source = item_text(rule, "source");

	if (!has(rule, "pattern"))
		printf("  %s\n",
		    wanted ? "wanted: no rule leaves it out"
			: strcmp(get_string(why, "unwanted"), "include") == 0
			? "not wanted: no glob of `include' matches it"
			: "not wanted: it belongs to filemon itself");
	else if (get_int(rule, "line") > 0)
		printf("  %s: %s (%s:%lld)\n", wanted ? "wanted" : "not wanted", pattern,
		    source, (long long)get_int(rule, "line"));
	else
		printf(
		    "  %s: %s (%s)\n", wanted ? "wanted" : "not wanted", pattern, source);
	free(pattern);
	free(source);
}

static void
tell_watched(const cJSON *why)
{
	const char *watched = get_string(why, "watched");
	const cJSON *unwatched = get(why, "unwatched");
	char *path;

	printf("; %s is ",
	    strcmp(get_string(why, "type"), "dir") == 0 ? "it" : "its directory");
	if (strcmp(watched, "no") != 0) {
		printf("watched by %s\n", watched);
		return;
	}
	path = item_path(unwatched);
	printf("not watched: %s %s\n", *path != '\0' ? path : "the root",
	    get_string(unwatched, "why"));
	free(path);
}

static void
tell_file(const cJSON *why)
{
	const cJSON *seen = get(why, "seen");
	char size[TEXT_SHORT];

	if (get_bool(why, "exists"))
		printf("  exists: %s", get_string(why, "type"));
	else
		printf(cJSON_IsNull(get(why, "exists")) ? "  cannot be looked at"
							: "  does not exist");
	tell_watched(why);
	if (!has(why, "seen")) {
		puts(get_bool(why, "gone") ? "  last seen: it was there, and is gone"
					   : "  last seen: never");
		return;
	}
	if (strcmp(get_string(seen, "type"), "dir") == 0) {
		puts("  last seen: dir");
		return;
	}
	printf("  last seen: %s of %s bytes, changed %s%s\n", get_string(seen, "type"),
	    text_count(get_int(seen, "size"), size), get_string(seen, "mtime"),
	    get_bool(seen, "unsure") ? " (young, will be looked at again)" : "");
	if (has(seen, "checksum"))
		printf("  checksum: %s\n", get_string(seen, "checksum"));
}

/* What each state of a path means; delivered is told besides. */
static const struct {
	const char *state, *words;
} states[] = {
	{ "settled", "nothing to do" },
	{ "settling", "waits until it is quiet" },
	{ "reading", "waits for its checksum" },
	{ "due", "waits for a free slot" },
	{ "paused", "waits: the handler is paused (filemonctl resume)" },
	{ "breaker",
	    "waits: the handler's breaker is open (filemonctl resume tries now)" },
	{ "running", "a job runs" },
	{ "retry", "failed, will be tried again" },
	{ "blocked", "waits for another path" },
	{ "cooling", "left alone, since the runs for it keep changing it" },
	{ "dead", "given up (filemonctl retry makes it due again, discard ends it)" },
};

static const char *
state_words(const char *state)
{
	for (size_t i = 0; i < COUNTOF(states); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].words;
	return state;
}

/* What is known of the delivery: of this state, and where another one waits. */
static const struct {
	const char *delivered, *settled, *pending;
} deliveries[] = {
	{ "yes", "delivered", "an earlier state was delivered" },
	{ "skipped", "not told, since it was there first (initial = skip)",
	    "an earlier state was not told (initial = skip)" },
	{ "discarded", "discarded, and so taken for delivered",
	    "an earlier state was discarded" },
	{ "perhaps", "perhaps delivered", "perhaps delivered: a run began" },
	{ "no", "not delivered", "not delivered" },
};

static const char *
delivered_words(const char *delivered, const char *state)
{
	if (strcmp(delivered, "perhaps") == 0 && strcmp(state, "running") == 0)
		return "being delivered";
	for (size_t i = 0; i < COUNTOF(deliveries); i++)
		if (strcmp(deliveries[i].delivered, delivered) == 0)
			return strcmp(state, "settled") == 0 ? deliveries[i].settled
							     : deliveries[i].pending;
	return delivered;
}

static void
tell_failure(const cJSON *handler)
{
	char ago[TEXT_SHORT];
	char *outcome = item_text(handler, "outcome");
	struct buf output = BUF_INIT;
	char *bytes = NULL;
	size_t len;

	if (!has(handler, "outcome"))
		goto out;
	text_ago(get_string(handler, "failed_at"), clk_wall_ns(), ago);
	int64_t attempts = get_int(handler, "attempts");
	printf("      last failure: %s%s%s", outcome, *ago != '\0' ? ", " : "", ago);
	if (attempts > 0)
		printf(" after %lld %s", (long long)attempts,
		    text_plural(attempts, "attempt", "attempts"));
	putchar('\n');
	bytes = item_bytes(handler, "output", &len);
	text_vis_lines(&output, bytes, len, "      | ");
	if (output.len > 0)
		fputs(output.p, stdout);
out:
	buf_release(&output);
	free(bytes);
	free(outcome);
}

static void
tell_unmatched(const cJSON *why, const cJSON *handler, const char *name)
{
	if (strcmp(get_string(handler, "unmatched"), "types") == 0)
		printf("  handler %s: not for this type of file (%s; see `types')\n",
		    name, has(why, "type") ? get_string(why, "type") : "file");
	else
		printf("  handler %s: does not match\n", name);
}

/* Nothing is due; that says little of what is not seen. */
static const char *
settled_words(const cJSON *why, const cJSON *handler)
{
	bool unseen =
	    has(why, "unwatched") && !has(why, "seen") && !get_bool(why, "gone");

	return unseen && strcmp(get_string(handler, "delivered"), "no") == 0
	    ? "nothing of it was seen"
	    : state_words("settled");
}

static void
tell_handler(const cJSON *why, const cJSON *handler)
{
	char due[TEXT_SHORT];
	char *name = item_text(handler, "name");
	char *blocked_on = item_text(handler, "blocked_on");

	if (!get_bool(handler, "matches")) {
		tell_unmatched(why, handler, name);
		goto out;
	}
	const char *state = get_string(handler, "state");
	printf("  handler %s: %s; %s", name,
	    delivered_words(get_string(handler, "delivered"), state),
	    strcmp(state, "settled") == 0 ? settled_words(why, handler)
					  : state_words(state));
	if (*blocked_on != '\0')
		printf(": %s", blocked_on);
	if (get_int(handler, "due_in_ms") > 0) {
		clk_format_duration(get_int(handler, "due_in_ms"), due, sizeof(due));
		printf(", due in %s", due);
	}
	putchar('\n');
	tell_failure(handler);
out:
	free(blocked_on);
	free(name);
}

static void
tell(const cJSON *why)
{
	char *path = item_path(why), *root = item_text(why, "root");
	const cJSON *handler;

	printf("%s in %s\n", *path != '\0' ? path : ".", root);
	tell_rule(why);
	tell_file(why);
	cJSON_ArrayForEach(handler, get(why, "handlers")) tell_handler(why, handler);
	if (cJSON_GetArraySize(get(why, "handlers")) == 0)
		puts("  no handlers are configured");
	free(path);
	free(root);
}

int
cmd_why(struct ctl *ctl, int argc, char **argv)
{
	struct project project;
	cJSON *params, *result = NULL;
	int code;

	args_only_words(ctl, argc, argv, 1, 1);
	code = project_open(ctl, &project);
	if (code != CTL_OK)
		return code;
	params = subject_params(ctl, &project, argv[optind]);
	code = params == NULL ? CTL_FAILED
			      : client_call(ctl, &project, "why", params, &result);
	if (code == CTL_OK && ctl->json)
		print_json(result);
	else if (code == CTL_OK && !ctl->quiet)
		tell(result);
	cJSON_Delete(result);
	project_release(&project);
	return code;
}
