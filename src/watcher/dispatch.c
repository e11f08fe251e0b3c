/* SPDX-License-Identifier: ISC */
#include "watcher/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "state/delivery.h"
#include "watcher/ask.h"
#include "watcher/choice.h"
#include "watcher/outcome.h"
#include "watcher/watcher_priv.h"

#define ASK_AGAIN_MS 5000
/* What takes longer loses nothing by the way to the runner and back. */
#define QUICK_US 20000
#define QUICKEST_US (QUICK_US / (WIRE_GATHER + 2)) /* all in hand within QUICK_US */
#define VCS_LOCK_MAX_MS 30000
#define VCS_LOOK_MS 100
#define VCS_FORGET_MS 1000 /* not looked at for so long: another lock */
#define CHOICES_A_TURN 256 /* rows looked at, so that a turn stays short */

const char *
dispatch_command_name(enum wire_command command)
{
	static const char *const names[] = {
		[WIRE_LOAD] = "load",
		[WIRE_REMOVE] = "remove-file",
		[WIRE_MOVE] = "move",
	};

	return names[command];
}

struct job *
dispatch_job(const struct watcher *w, const struct handler *handler, int64_t node)
{
	for (struct job *job = w->jobs; job != NULL; job = job->next)
		if (job->handler == handler &&
		    (job->node == node || job->old_node == node))
			return job;
	return NULL;
}

void
dispatch_add(struct watcher *w, struct job *job)
{
	job->next = w->jobs;
	w->jobs = job;
	w->n_jobs++;
	job->handler->running++;
}

static bool
is_below(const char *path, const char *dir, size_t len)
{
	return path != NULL && strncmp(path, dir, len) == 0 &&
	    (len == 0 || path[len] == '\0' || path[len] == '/');
}

static bool
concerns(const struct job *job, const struct root *root, const char *path, size_t len)
{
	return job->root == root && job->command != WIRE_REMOVE &&
	    (is_below(job->path, path, len) || is_below(job->old_path, path, len));
}

void
dispatch_taint_path(
    struct watcher *w, const struct root *root, const char *path, size_t len)
{
	for (struct job *job = w->jobs; job != NULL; job = job->next)
		if (concerns(job, root, path, len))
			job->again = true;
}

void
dispatch_doubt_path(
    struct watcher *w, const struct root *root, const char *path, size_t len)
{
	for (struct job *job = w->jobs; job != NULL; job = job->next)
		if (concerns(job, root, path, len))
			job->doubted = true;
}

/* So many jobs may be asked for: in hand is a job for every slot, and one more while
   the outcomes are on their way here; of the quickest as many more as there are
   outcomes that the runner may gather. */
static int64_t
slots(const struct handler *handler)
{
	int64_t jobs = handler->config->jobs;

	if (handler->run_us == 0 || handler->run_us >= QUICK_US ||
	    handler->breaker.state != BREAKER_CLOSED)
		return jobs;
	return 2 * jobs + 1 + (handler->run_us < QUICKEST_US ? WIRE_GATHER : 0);
}

int64_t
dispatch_running(const struct handler *handler)
{
	return handler->running < handler->config->jobs ? handler->running
							: handler->config->jobs;
}

static bool
may_start(struct watcher *w, struct handler *handler, int64_t now)
{
	/* Of a rename both ends must be known before either is delivered. */
	if (handler->config->move.n > 0 && watcher_scanning(w))
		return false;
	return !handler->paused && !ask_is_full(w) && handler->running < slots(handler) &&
	    w->n_jobs < w->config->jobs_max &&
	    breaker_allows(&handler->breaker, now, handler->running);
}

/* git is in the middle of something: what settles now would be half of it. */
static bool
vcs_busy(struct watcher *w, int64_t now)
{
	bool locked = false;
	struct stat st;

	if (!w->config->defer_vcs)
		return false;
	for (size_t i = 0; i < w->n_roots && !locked; i++)
		locked =
		    fd_lstatat(AT_FDCWD,
			watcher_abs(w, &w->roots[i], ".git/index.lock", 15), &st) == 0;
	if (!locked)
		w->vcs_since = 0;
	else if (w->vcs_since == 0 || now - w->vcs_seen > VCS_FORGET_MS)
		w->vcs_since = now;
	w->vcs_seen = now;
	return locked && now - w->vcs_since < VCS_LOCK_MAX_MS;
}

void
dispatch_choose(struct watcher *w, int64_t now)
{
	bool looked = false; /* for git's lock: where anything is due at all */
	size_t idle = 0;

	if (w->state == NULL || !w->runner_ready || w->stopping || w->degraded ||
	    w->reload_config != NULL || now < w->short_until)
		return;
	for (int turn = 0; turn < CHOICES_A_TURN && idle < w->n_handlers; turn++) {
		struct handler *handler = &w->handlers[w->round_robin++ % w->n_handlers];
		struct delivery d;

		idle++;
		if (!may_start(w, handler, now) ||
		    !delivery_next(w->state, handler->id, now, &d))
			continue;
		if (!looked && vcs_busy(w, now))
			return;
		looked = true;
		choice_take(w, handler, &d);
		idle = 0;
	}
}

static void
unlink_job(struct watcher *w, struct job *job)
{
	struct job **at = &w->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	w->n_jobs--;
	if (job->handler != NULL)
		job->handler->running--;
}

static void
job_free(struct job *job)
{
	free(job->section);
	free(job->path);
	free(job->old_path);
	free(job);
}

static bool
send_job(struct watcher *w, struct job *job)
{
	const struct handler_config *config = job->handler->config;
	char id[64], checksum[CONTENT_SUM_SIZE] = "";
	struct wire_msg msg = {
		.type = WIRE_RUN,
		.id = job->id,
		.handler = job->handler->index,
		.command = job->command,
		.root = job->root->index,
		.attempt = job->attempt,
		.size = job->size,
		.max_attempts = config->retries < 0 ? 0 : config->retries + 1,
		.path = job->path,
		.old_path = job->old_path == NULL ? "" : job->old_path,
		.event = job->event,
		.event_id = id,
		.checksum = checksum,
	};

	/* The same for every attempt to deliver the same state. */
	snprintf(id, sizeof(id), "%llx-%llx-%llx", (unsigned long long)job->handler->id,
	    (unsigned long long)job->node, (unsigned long long)job->sig);
	if (job->body.known)
		content_sum_text(job->body.sum, checksum);
	job->sent = true;
	job->handler->stats.runs++;
	return wire_send(w->wire, &msg);
}

static void
row_is_due(struct watcher *w, const struct job *job, int64_t node, int64_t due)
{
	struct delivery d;

	if (!delivery_get(w->state, job->handler->id, node, &d))
		return;
	d.due = due;
	delivery_put(w->state, &d);
}

/*
 * What was recorded as running does not run: it is due again, later.  The ends of a
 * move say "perhaps", so that they will be a removal and a load: two paths may be too
 * long for one message.
 */
static void
put_back(struct watcher *w, const struct job *job)
{
	int64_t now = clk_mono_ms();

	if (job->old_node != 0) {
		row_is_due(w, job, job->old_node, now);
		row_is_due(w, job, job->node, now);
		log_warnx(
		    "job %s: cannot be asked for as a move (removed and loaded instead)",
		    job->path);
		return;
	}
	row_is_due(w, job, job->node, now + ASK_AGAIN_MS);
	log_warnx("job %s: cannot be asked for (tried again in %d s)", job->path,
	    ASK_AGAIN_MS / 1000);
}

/* Tells the runner to leave out what was overtaken, should it be in hand only. */
static void
recall(struct watcher *w, struct job *job)
{
	const struct handler *handler = job->handler;
	bool wanted = handler != NULL && !handler->paused && !job->again &&
	    handler->breaker.state != BREAKER_OPEN;

	if (wanted || job->recalled || job->pid != 0)
		return;
	job->recalled = true;
	wire_send(w->wire, &(struct wire_msg){ .type = WIRE_DROP, .id = job->id });
}

bool
dispatch_unsent(const struct watcher *w)
{
	for (const struct job *job = w->jobs; job != NULL; job = job->next)
		if (!job->sent)
			return true;
	return false;
}

void
dispatch_send(struct watcher *w, bool committed)
{
	struct job *next;

	for (struct job *job = w->jobs; job != NULL; job = next) {
		next = job->next;
		if (job->sent) {
			recall(w, job);
			continue;
		}
		if (committed && send_job(w, job))
			continue;
		if (committed)
			put_back(w, job);
		unlink_job(w, job);
		job_free(job);
	}
}

int64_t
dispatch_due(struct watcher *w, int64_t now)
{
	int64_t earliest = -1;

	if (w->state == NULL || w->stopping || w->degraded || !w->runner_ready ||
	    w->reload_config != NULL || ask_is_full(w))
		return -1;
	for (size_t i = 0; i < w->n_handlers; i++) {
		struct handler *handler = &w->handlers[i];
		int64_t due;

		if (handler->paused || handler->running >= slots(handler) ||
		    w->n_jobs >= w->config->jobs_max ||
		    (handler->config->move.n > 0 && watcher_scanning(w)))
			continue;
		if (handler->breaker.state != BREAKER_CLOSED && handler->running > 0)
			continue;
		due = delivery_next_due(w->state, handler->id);
		if (due < 0)
			continue;
		if (breaker_due(&handler->breaker) > due)
			due = breaker_due(&handler->breaker);
		if (earliest < 0 || due < earliest)
			earliest = due;
	}
	if (w->vcs_since != 0 && earliest >= 0 && earliest < now + VCS_LOOK_MS)
		earliest = now + VCS_LOOK_MS;
	if (earliest >= 0 && earliest < w->short_until)
		earliest = w->short_until;
	return earliest;
}

static struct job *
find_job(struct watcher *w, uint64_t id)
{
	for (struct job *job = w->jobs; job != NULL; job = job->next)
		if (job->id == id)
			return job;
	return NULL;
}

void
dispatch_message(struct watcher *w, const struct wire_msg *msg)
{
	struct job *job = find_job(w, msg->id);

	if (job == NULL) {
		log_warnx(
		    "runner: message %d for job %llu, which is not known (left out)",
		    (int)msg->type, (unsigned long long)msg->id);
		return;
	}
	if (msg->type == WIRE_STARTED) {
		job->pid = msg->pid;
		return;
	}
	unlink_job(w, job);
	if (job->handler != NULL)
		outcome_note(w, job, msg);
	job_free(job);
}

bool
dispatch_idle(struct watcher *w)
{
	if (w->n_jobs > 0)
		return false;
	for (size_t i = 0; i < w->n_handlers; i++)
		if (delivery_pending(w->state, w->handlers[i].id))
			return false;
	return true;
}

void
dispatch_free(struct watcher *w)
{
	struct job *job;

	while ((job = w->jobs) != NULL) {
		unlink_job(w, job);
		job_free(job);
	}
}
