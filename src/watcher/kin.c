/* SPDX-License-Identifier: ISC */
#include "watcher/kin.h"

#include <string.h>
#include <unistd.h>

#include "enrich/process.h"
#include "watcher/dispatch.h"
#include "watcher/watcher_priv.h"

#define LINE_MAX_PIDS 64 /* parents above one another that are looked at */

/* From a process upwards. */
struct line {
	int pids[LINE_MAX_PIDS];
	size_t n;
	int session; /* of the first */
};

/*
 * The parent, and 0 where it cannot be had for sure: a process whose parent
 * ends gets another one, so it was the parent all the time if it is it after
 * its own parent was read.
 */
static int
parent_of(int pid, int child)
{
	struct process_ids ids, below;

	if (!process_ids(pid, &ids))
		return 0;
	if (child != 0 && (!process_ids(child, &below) || below.parent != pid))
		return 0;
	return ids.parent;
}

static void
climb(struct line *line, int pid, int top)
{
	struct process_ids ids;
	int child = 0;

	line->n = 0;
	line->session = process_ids(pid, &ids) ? ids.session : 0;
	while (pid > 1 && line->n < LINE_MAX_PIDS) {
		int parent = parent_of(pid, child);

		if (parent == 0)
			break;
		line->pids[line->n++] = pid;
		if (pid == top)
			break;
		child = pid;
		pid = parent;
	}
}

static bool
is_in(const struct line *line, int pid)
{
	for (size_t i = 0; i < line->n; i++)
		if (line->pids[i] == pid)
			return true;
	return false;
}

/* An orphan is below the runner itself, in the session of its job. */
static const struct handler *
handler_of(const struct watcher *w, const struct line *line)
{
	for (const struct job *job = w->jobs; job != NULL; job = job->next)
		if (job->pid > 0 && job->handler != NULL &&
		    (is_in(line, (int)job->pid) || line->session == job->pid))
			return job->handler;
	return NULL;
}

void
kin_render(const struct watcher *w, int pid, struct buf *out)
{
	const struct handler *handler = NULL;
	bool own = pid == getpid() || pid == w->setup.supervisor;
	struct line line;

	if (!own && w->setup.runner > 0) {
		climb(&line, pid, w->setup.runner);
		own = is_in(&line, w->setup.runner);
		handler = own ? handler_of(w, &line) : NULL;
	}
	if (!own)
		return;
	buf_adds(out, ",\"self\":true");
	if (handler == NULL)
		return;
	buf_add_member(
	    out, "handler", handler->config->name, strlen(handler->config->name));
}
