/* SPDX-License-Identifier: ISC */
#include "runner/runs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "conf/config.h"
#include "runner/hand.h"
#include "runner/helpers.h"
#include "runner/job.h"
#include "runner/order.h"
#include "wire/wire.h"

struct runs {
	struct jobs *jobs;
	struct runs_hooks hooks;
	struct orders *orders;
	struct hand *hand;
	bool stopping;
};

struct runs *
runs_new(struct jobs *jobs, const struct runs_hooks *hooks)
{
	struct runs *runs = xcalloc(1, sizeof(*runs));
	runs->jobs = jobs;
	runs->hooks = *hooks;
	runs->hand = hand_new();
	return runs;
}

void
runs_free(struct runs *runs)
{
	if (!runs)
		return;
	hand_free(runs->hand);
	free(runs);
}

static void
answer(struct runs *runs, const struct wire_msg *msg)
{
	runs->hooks.answer(runs->hooks.ctx, msg, false);
}

static void
say_cut(struct runs *runs, uint64_t id, const char *text)
{
	answer(runs,
	    &(struct wire_msg){
		.type = WIRE_ENDED,
		.id = id,
		.outcome = WIRE_CUT,
		.text = text,
		.output = "",
	    });
}

static void
say_failed(struct runs *runs, uint64_t id, int error, const char *text)
{
	answer(runs,
	    &(struct wire_msg){
		.type = WIRE_ENDED,
		.id = id,
		.outcome = WIRE_EXEC_FAILED,
		.code = error,
		.text = text,
		.output = "",
	    });
}

static void
cut_waiting(struct runs *runs)
{
	struct wire_msg msg;
	while (hand_take(runs->hand, NULL, &msg))
		say_cut(runs, msg.id, "");
}

void
runs_configure(struct runs *runs, struct orders *orders)
{
	cut_waiting(runs);
	runs->orders = orders;
}

static const struct handler_config *
handler_of(const struct runs *runs, const struct wire_msg *msg)
{
	const struct config *config = orders_config(runs->orders);
	return msg->handler < config->n_handlers ? &config->handlers[msg->handler] : NULL;
}

static bool
has_slot(const struct runs *runs, const struct handler_config *handler)
{
	return hand_running(runs->hand, handler->name) < (size_t)handler->jobs;
}

static void
start(struct runs *runs, const struct wire_msg *msg)
{
	struct order_error error;
	if (orders_start(runs->orders, runs->jobs, msg, &error) == -1)
		say_failed(runs, msg->id, error.error, error.text);
	else
		hand_began(runs->hand, msg->id, handler_of(runs, msg)->name);
}

void
runs_ask(struct runs *runs, const struct wire_msg *msg)
{
	const struct handler_config *handler = handler_of(runs, msg);
	if (runs->stopping)
		say_cut(runs, msg->id, "filemon stops");
	else if (!handler || has_slot(runs, handler))
		start(runs, msg);
	else if (!hand_keep(runs->hand, msg, handler->name))
		say_failed(runs, msg->id, EAGAIN, "too many orders are in hand");
}

void
runs_pack(struct runs *runs, const struct wire_msg *msg)
{
	const struct config *config = orders_config(runs->orders);
	struct order_error error;
	if (runs->stopping)
		say_cut(runs, msg->id, "filemon stops");
	else if (helpers_pack(config, runs->jobs, msg, &error) == -1)
		say_failed(runs, msg->id, error.error, error.text);
}

void
runs_drop(struct runs *runs, uint64_t id)
{
	if (hand_drop(runs->hand, id))
		say_cut(runs, id, "");
}

/* As many orders in hand as there are slots for now. */
static void
start_waiting(struct runs *runs)
{
	const struct config *config = orders_config(runs->orders);
	struct wire_msg msg;
	for (size_t i = 0; !runs->stopping && i < config->n_handlers; i++) {
		const struct handler_config *handler = &config->handlers[i];
		while (
		    has_slot(runs, handler) && hand_take(runs->hand, handler->name, &msg))
			start(runs, &msg);
	}
}

/* While enough is in hand the watcher can be told with others: it costs it less. */
static bool
may_wait(const struct runs *runs, const char *handler, const struct job_result *result)
{
	return result->outcome == WIRE_EXIT && result->code == 0 &&
	    hand_is_stocked(runs->hand, handler);
}

/* The next one first: the slot is empty until it runs. */
void
runs_ended(struct runs *runs, const struct job_result *result)
{
	const char *handler = hand_ended(runs->hand, result->id);
	start_waiting(runs);
	const struct wire_msg msg = {
		.type = WIRE_ENDED,
		.id = result->id,
		.pid = result->pid,
		.outcome = result->outcome,
		.code = result->code,
		.duration_us = result->duration_us,
		.max_rss_kib = result->max_rss_kib,
		.text = result->text,
		.output = result->output,
		.output_len = result->output_len,
	};
	runs->hooks.answer(runs->hooks.ctx, &msg, may_wait(runs, handler, result));
}

void
runs_stop(struct runs *runs)
{
	runs->stopping = true;
	cut_waiting(runs);
}
