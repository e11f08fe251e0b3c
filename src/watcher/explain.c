/* SPDX-License-Identifier: ISC */
/* The method why: the story of one path. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clk.h"
#include "state/delivery.h"
#include "state/sums.h"
#include "watcher/commands.h"
#include "watcher/dispatch.h"
#include "watcher/pending.h"
#include "watcher/reconcile.h"
#include "watcher/scan.h"
#include "watcher/watcher_priv.h"

struct story {
	struct request *request;
	struct root *root;
	const struct buf *path;
	struct stat st;
	enum presence presence;
	struct node node;
	bool found;
	cJSON *out;
};

/* What failed and is delivered all the same was discarded. */
static const char *
delivered_name(const struct delivery *d, bool failed)
{
	static const char *const names[] = {
		[DELIVERY_NO] = "no",
		[DELIVERY_PERHAPS] = "perhaps",
		[DELIVERY_YES] = "yes",
		[DELIVERY_SKIPPED] = "skipped",
	};

	return d->state == DELIVERY_YES && failed ? "discarded" : names[d->state];
}

static void
add_rule(struct story *story, bool is_dir)
{
	struct filter_rule rule = { 0 };
	bool wanted = story->path->len == 0 ||
	    filter_want(
		story->root->filter, story->path->p, story->path->len, is_dir, &rule);
	cJSON *out;

	cJSON_AddBoolToObject(story->out, "wanted", wanted);
	if (!wanted && rule.pattern == NULL)
		cJSON_AddStringToObject(story->out, "unwanted", rule.source);
	if (rule.pattern == NULL) {
		cJSON_AddNullToObject(story->out, "rule");
		return;
	}
	out = cJSON_AddObjectToObject(story->out, "rule");
	control_add_bytes(out, "pattern", rule.pattern, strlen(rule.pattern));
	control_add_bytes(out, "source", rule.source, strlen(rule.source));
	cJSON_AddNumberToObject(out, "line", rule.line);
}

/* Only where it is that of the state that was seen. */
static void
add_checksum(struct story *story, cJSON *out)
{
	char text[CONTENT_SUM_SIZE];
	struct sum sum;

	if (!sums_get(story->request->w->state, story->node.id, &sum) || !sum.known ||
	    sum.sig != sig_hash(&story->node.sig))
		return;
	content_sum_text(sum.raw, text);
	cJSON_AddStringToObject(out, "checksum", text);
}

static void
add_seen(struct story *story)
{
	cJSON *out;

	cJSON_AddBoolToObject(story->out, "gone", story->found && story->node.gone);
	if (!story->found || story->node.gone) {
		cJSON_AddNullToObject(story->out, "seen");
		return;
	}
	out = cJSON_AddObjectToObject(story->out, "seen");
	cJSON_AddStringToObject(out, "type", sig_type_name(story->node.sig.type));
	cJSON_AddNumberToObject(out, "size", (double)story->node.sig.size);
	control_add_time(out, "mtime", story->node.sig.mtime);
	cJSON_AddBoolToObject(out, "unsure", story->node.unsure);
	add_checksum(story, out);
}

/* false: there is none. */
static bool
add_failure(struct story *story, cJSON *out, const struct delivery *d)
{
	struct delivery_failure failure;
	struct buf store = BUF_INIT;
	bool found = delivery_failure_get(
	    story->request->w->state, d->handler, d->node, &failure, &store);

	if (found) {
		control_add_bytes(
		    out, "outcome", failure.outcome, strlen(failure.outcome));
		control_add_time(out, "failed_at", failure.wall_ns);
		control_add_bytes(out, "output", failure.output, failure.output_len);
	}
	buf_release(&store);
	return found;
}

/* Of what is gone, or never was there: would it be wanted, as a file? */
static void
add_match(const struct story *story, const struct handler *handler, cJSON *out)
{
	struct node node = { .sig = { .type = SIG_FILE } };
	bool wanted;

	if (story->found && !story->node.gone)
		node = story->node;
	else if (story->presence == PRESENCE_PRESENT)
		sig_from_stat(&node.sig, &story->st);
	wanted = pending_wants(handler, &node, story->path->p, story->path->len);
	cJSON_AddBoolToObject(out, "matches", wanted);
	if (wanted || story->path->len == 0)
		return;
	cJSON_AddStringToObject(out, "unmatched",
	    (handler->config->types & sig_type_bit(node.sig.type)) == 0 ? "types"
									: "match");
}

/* "Perhaps" is noted when a run is asked for; in hand, nothing has begun. */
static void
before_its_run(
    const struct story *story, const struct handler *handler, struct delivery *d)
{
	const struct job *job = dispatch_job(story->request->w, handler, story->node.id);

	if (job != NULL && job->pid <= 0 && job->node == d->node)
		d->state = job->before;
}

static void
add_handler(struct story *story, const struct handler *handler, cJSON *list)
{
	struct state *state = story->request->w->state;
	int64_t now = clk_mono_ms();
	struct delivery d = { 0 };
	struct buf path = BUF_INIT;
	cJSON *out = cJSON_CreateObject();
	const struct loop *loop = NULL;
	bool failed;

	if (story->found)
		loop = loops_cooling(&story->request->w->loops, story->node.id, now);
	if (story->found) {
		delivery_get(state, handler->id, story->node.id, &d);
		before_its_run(story, handler, &d);
	}
	cJSON_AddStringToObject(out, "name", handler->config->name);
	add_match(story, handler, out);
	failed = add_failure(story, out, &d);
	cJSON_AddStringToObject(
	    out, "delivered", delivered_name(&d, failed && handler->config->load.n > 0));
	cJSON_AddStringToObject(
	    out, "state", queue_state(story->request->w, handler, &d, now));
	if (loop != NULL)
		cJSON_AddNumberToObject(out, "changed_runs", (double)loop->runs);
	cJSON_AddNumberToObject(out, "attempts", (double)d.attempts);
	if (d.pending && d.due < STATE_DUE_RUNNING)
		cJSON_AddNumberToObject(
		    out, "due_in_ms", d.due > now ? (double)(d.due - now) : 0);
	if (d.blocked_on != 0 && d.blocked_on != d.node) {
		node_path(state, d.blocked_on, &path);
		control_add_bytes(out, "blocked_on", path.p, path.len);
	}
	buf_release(&path);
	cJSON_AddItemToArray(list, out);
}

/* Why what happens in this directory is not seen; false: it may be. */
static bool
add_obstacle(struct story *story, const char *path, size_t len, struct buf *why)
{
	struct watcher *w = story->request->w;
	struct stat st, root;
	int error;

	switch (reconcile_presence(w, story->root, path, len, &st)) {
	case PRESENCE_ABSENT:
		buf_adds(why, "does not exist");
		return true;
	case PRESENCE_UNKNOWN:
		buf_addf(why, "cannot be looked at: %s", strerror(errno));
		return true;
	case PRESENCE_PRESENT:
		break;
	}
	if (len > 0 && !S_ISDIR(st.st_mode))
		buf_adds(why, "is no directory (symbolic links are not followed)");
	else if (len > 0 && !w->config->cross_filesystems &&
	    stat(story->root->path, &root) == 0 && st.st_dev != root.st_dev)
		buf_adds(why, "is on another file system (cross-filesystems = false)");
	else if (len > 0 && !filter_want(story->root->filter, path, len, true, NULL))
		buf_adds(why, "is ignored");
	else if ((error = scan_try(story->root, path, len)) != 0)
		buf_addf(why, "cannot be listed: %s", strerror(error));
	return why->len > 0;
}

/* The first directory on the way down to that one that is not watched. */
static void
add_unwatched(struct story *story, const char *path, size_t dir_len)
{
	struct buf why = BUF_INIT;
	size_t len = 0;
	cJSON *out;

	if (fm_watch_root_gone(story->root->watch))
		buf_adds(&why, "is gone");
	while (why.len == 0 && !add_obstacle(story, path, len, &why) && len < dir_len) {
		len += len > 0;
		while (len < dir_len && path[len] != '/')
			len++;
	}
	if (why.len == 0)
		buf_adds(&why, "has not been listed yet");
	out = cJSON_AddObjectToObject(story->out, "unwatched");
	control_add_bytes(out, "path", path, len);
	cJSON_AddStringToObject(out, "why", why.p);
	buf_release(&why);
}

/* Is it seen what happens in the directory: itself, or the one that it is in? */
static void
add_watched(struct story *story, const char *path, size_t len, bool is_dir)
{
	struct buf dir = BUF_INIT;
	const char *by = NULL;

	while (!is_dir && len > 0 && path[len - 1] != '/')
		len--;
	len -= !is_dir && len > 0;
	buf_adds(&dir, "");
	buf_add(&dir, path, len);
	switch (fm_watch_dir(story->root->watch, dir.p)) {
	case FM_DIR_WATCHED:
		by = fm_backend_name(fm_watch_backend(story->root->watch));
		break;
	case FM_DIR_POLLED:
		by = fm_backend_name(FM_BACKEND_POLL);
		break;
	case FM_DIR_UNKNOWN:
	case FM_DIR_FAILED:
		break;
	}
	cJSON_AddStringToObject(story->out, "watched", by == NULL ? "no" : by);
	if (by == NULL)
		add_unwatched(story, dir.p, len);
	buf_release(&dir);
}

/* "exists" is null where nobody can know. */
static void
add_presence(struct story *story, const struct sig *sig)
{
	if (story->presence == PRESENCE_UNKNOWN)
		cJSON_AddNullToObject(story->out, "exists");
	else
		cJSON_AddBoolToObject(
		    story->out, "exists", story->presence == PRESENCE_PRESENT);
	if (sig->type == SIG_NONE)
		cJSON_AddNullToObject(story->out, "type");
	else
		cJSON_AddStringToObject(story->out, "type", sig_type_name(sig->type));
}

static void
tell(struct story *story)
{
	struct watcher *w = story->request->w;
	const char *path = story->path->len == 0 ? "" : story->path->p;
	struct sig sig = { 0 };
	cJSON *list;

	story->presence =
	    reconcile_presence(w, story->root, path, story->path->len, &story->st);
	story->found = node_lookup(
	    w->state, story->root->node, path, story->path->len, &story->node);
	if (story->presence == PRESENCE_PRESENT)
		sig_from_stat(&sig, &story->st);
	control_add_bytes(story->out, "path", path, story->path->len);
	control_add_bytes(
	    story->out, "root", story->root->path, strlen(story->root->path));
	add_rule(story, sig.type == SIG_DIR);
	add_presence(story, &sig);
	add_watched(story, path, story->path->len, sig.type == SIG_DIR);
	add_seen(story);
	list = cJSON_AddArrayToObject(story->out, "handlers");
	for (size_t i = 0; i < w->n_handlers; i++)
		add_handler(story, &w->handlers[i], list);
}

void
explain_command(struct request *request)
{
	struct buf path = BUF_INIT;
	struct story story = { .request = request, .path = &path };
	int rc = commands_path(request, &story.root, &path);

	if (rc == 1)
		control_error(request->conn, request->id, CONTROL_PARAMS,
		    "params.path: a path is wanted");
	if (rc == 0) {
		story.out = cJSON_CreateObject();
		tell(&story);
		control_reply(request->conn, request->id, story.out);
	}
	buf_release(&path);
}
