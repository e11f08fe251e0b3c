/* SPDX-License-Identifier: ISC */
#include "runner/hasher.h"

#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/conn.h"
#include "base/helper.h"
#include "base/xmalloc.h"
#include "conf/argv.h"
#include "runner/child.h"
#include "runner/env.h"

#define QUESTIONS_MAX 256
#define SENT_MAX 16 /* what the helper may hold: the rest is sent as it answers */
#define TICK_MS 1000
#define AWAY_MS 1000 /* the next start is farther off: nobody waits for it */
#define IDLE_MS 60000
#define GRACE_MS 1000
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 60000
#define HEALTHY_MS 10000
/* For one file: a while, and what the slowest disk that is to be waited for takes. */
#define ANSWER_MS 30000
#define BYTES_A_MS 4096

extern char **environ;

struct question {
	uint64_t id;
	char *line; /* the request */
	size_t len;
	int64_t limit_ms;
};

struct hasher {
	struct ev_loop *loop;
	struct hasher_hooks hooks;
	struct child *child;
	struct conn *conn;			  /* NULL: it is not up */
	struct question questions[QUESTIONS_MAX]; /* a ring, the oldest at first */
	size_t first, n, sent;
	int64_t head_since; /* the first one was sent, or became the first */
	bool failed;	    /* it is being ended: what it says does not count */
	bool died;	    /* ... and the end of what it said is still to come */
	bool stopping;
	struct ev_timer timer;
};

static struct question *
question_at(struct hasher *h, size_t i)
{
	return &h->questions[(h->first + i) % QUESTIONS_MAX];
}

static void
arm(struct hasher *h)
{
	ev_timer_stop(h->loop, &h->timer);
	if (h->stopping)
		return;
	ev_now_update(h->loop);
	ev_timer_set(&h->timer, (h->n > 0 ? TICK_MS : IDLE_MS) / 1000., 0.);
	ev_timer_start(h->loop, &h->timer);
}

/* The hook may ask again: the question is out of the ring before. */
static void
answer_first(struct hasher *h, const struct content *content)
{
	struct question question = *question_at(h, 0);
	h->first = (h->first + 1) % QUESTIONS_MAX;
	h->n--;
	h->sent -= h->sent > 0;
	h->head_since = clk_mono_ms();
	free(question.line);
	h->hooks.answer(h->hooks.ctx, question.id, content);
}

static void
answer_first_without(struct hasher *h, enum content_state state)
{
	answer_first(h, &(struct content){ .state = state, .entropy = -1, .sum = "" });
}

static void
answer_all_without(struct hasher *h)
{
	for (size_t n = h->n; n > 0; n--)
		answer_first_without(h, CONTENT_UNAVAILABLE);
}

static void
send_more(struct hasher *h)
{
	while (h->conn && !h->failed && h->sent < h->n && h->sent < SENT_MAX) {
		const struct question *question = question_at(h, h->sent);
		if (h->sent++ == 0)
			h->head_since = clk_mono_ms();
		if (!conn_send(h->conn, question->line, question->len))
			return;
	}
}

static void
fail(struct hasher *h, const char *why)
{
	h->failed = true;
	child_fail(h->child, why);
}

static void
on_line(struct conn *conn, void *ctx, char *line, size_t len)
{
	struct hasher *h = ctx;
	struct content content;
	uint64_t id;
	(void)conn, (void)len;
	if (h->failed)
		return;
	if (h->sent == 0 || !content_get_answer(line, &id, &content) ||
	    id != question_at(h, 0)->id) {
		fail(h, "an answer that makes no sense");
		return;
	}
	answer_first(h, &content);
	send_more(h);
	if (h->n == 0)
		arm(h);
}

/* Nothing of it is left: what it did does not count against the next one. */
static void
forget(struct hasher *h)
{
	h->died = false;
	h->failed = false;
	h->sent = 0;
}

/* It is dead, and what it had said before was read: it died over the first. */
static void
bury(struct hasher *h)
{
	bool was_asked = h->sent > 0;
	forget(h);
	if (was_asked)
		answer_first_without(h, CONTENT_CRASHED);
}

/* Mostly it has died, and the child says so, before this or after it. */
static void
on_close(struct conn *conn, void *ctx, const char *why)
{
	struct hasher *h = ctx;
	(void)conn;
	h->conn = NULL;
	if (h->died)
		bury(h);
	else if (strcmp(why, "closed by peer") != 0)
		fail(h, why);
}

static void
on_up(void *ctx, int in_fd, int out_fd)
{
	struct hasher *h = ctx;
	const struct conn_options options = {
		.max_in = CONTENT_ANSWER_MAX,
		.max_out = (size_t)SENT_MAX * CONTENT_REQUEST_MAX,
		.on_line = on_line,
		.on_close = on_close,
		.ctx = h,
	};
	(void)out_fd; /* the same socket */
	conn_free(h->conn);
	h->conn = NULL;
	if (h->died)
		bury(h);
	forget(h);
	h->conn = conn_new(h->loop, in_fd, &options);
	send_more(h);
}

/* Of one that was stopped no question is lost, nor has it died over one. */
static void
on_down(void *ctx, const struct child_death *death)
{
	struct hasher *h = ctx;
	if (!death) {
		conn_free(h->conn);
		h->conn = NULL;
		forget(h);
	} else if (h->conn) {
		h->died = true;
	} else {
		bury(h);
	}
}

/* It cannot be started, or does not die: nobody is to wait for it. */
static bool
is_away(const struct hasher *h, const struct child_info *info)
{
	return h->failed || info->restart_in_ms > AWAY_MS;
}

static void
look_at_first(struct hasher *h)
{
	struct child_info info;
	child_get_info(h->child, &info);
	if (info.state == CHILD_UP && !h->conn)
		fail(h, "it closed its socket");
	if (is_away(h, &info)) {
		answer_all_without(h);
	} else if (h->sent > 0 &&
	    clk_mono_ms() - h->head_since > question_at(h, 0)->limit_ms) {
		fail(h, "no answer in time");
		answer_first_without(h, CONTENT_CRASHED);
		answer_all_without(h);
	}
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct hasher *h = timer->data;
	(void)loop, (void)events;
	if (h->n == 0) {
		child_stop(h->child);
		return;
	}
	look_at_first(h);
	arm(h);
}

struct hasher *
hasher_new(struct ev_loop *loop, struct jobs *jobs, const struct hasher_hooks *hooks)
{
	struct hasher *h = xcalloc(1, sizeof(*h));
	const struct child_hooks child_hooks = { on_up, on_down, NULL, h };
	struct strlist argv = { NULL, 0 };
	char *path = helper_path("filemon-hash");
	struct env env;
	h->loop = loop;
	h->hooks = *hooks;
	ev_init(&h->timer, on_timer);
	h->timer.data = h;
	strlist_add(&argv, path);
	env_init(&env, environ);
	const struct child_spec spec = {
		.subject = "helper filemon-hash",
		.argv = &argv,
		.env = &env,
		.io = CHILD_IO_SOCKET,
		.grace_ms = GRACE_MS,
		.backoff_ms = BACKOFF_MS,
		.backoff_max_ms = BACKOFF_MAX_MS,
		.healthy_ms = HEALTHY_MS,
	};
	h->child = child_new(loop, jobs, &spec, &child_hooks);
	env_release(&env);
	strlist_release(&argv);
	free(path);
	return h;
}

void
hasher_free(struct hasher *h)
{
	if (!h)
		return;
	ev_timer_stop(h->loop, &h->timer);
	conn_free(h->conn);
	child_free(h->child);
	for (size_t i = 0; i < h->n; i++)
		free(question_at(h, i)->line);
	free(h);
}

static void
refuse(struct hasher *h, uint64_t id)
{
	const struct content content = {
		.state = CONTENT_UNAVAILABLE, .entropy = -1, .sum = ""
	};
	h->hooks.answer(h->hooks.ctx, id, &content);
}

void
hasher_ask(struct hasher *h, const struct content_request *request)
{
	struct buf line = BUF_INIT;
	struct child_info info;
	child_get_info(h->child, &info);
	if (h->stopping || h->n == QUESTIONS_MAX || is_away(h, &info) ||
	    !content_put_request(&line, request)) {
		buf_release(&line);
		refuse(h, request->id);
		return;
	}
	*question_at(h, h->n++) = (struct question){ request->id, line.p, line.len,
		ANSWER_MS + request->max / BYTES_A_MS };
	/* Where a delay runs it is there for a reason. */
	if (info.state == CHILD_DOWN || info.state == CHILD_STOPPING)
		child_start(h->child);
	send_more(h);
	if (h->n == 1)
		arm(h);
}

void
hasher_stop(struct hasher *h)
{
	h->stopping = true;
	ev_timer_stop(h->loop, &h->timer);
	answer_all_without(h);
	child_stop(h->child);
}
