/* SPDX-License-Identifier: ISC */
#include "runner/hand.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/xmalloc.h"
#include "wire/wire.h"

/* A watcher asks for one or two more than may run; one that was subverted ... */
#define KEPT_MAX 4096

struct order {
	STAILQ_ENTRY(order) link;
	struct wire_msg msg;
	char *handler;
	char text[]; /* the strings of msg */
};

struct slot {
	uint64_t id;
	char *handler;
};

struct hand {
	STAILQ_HEAD(orders, order) orders;
	size_t n_orders;
	struct order *taken; /* the last one, for its strings */
	struct slot *v;	     /* jobs that run */
	size_t n, cap;
	char *ended; /* the handler whose job ended last */
};

struct hand *
hand_new(void)
{
	struct hand *hand = xcalloc(1, sizeof(*hand));
	STAILQ_INIT(&hand->orders);
	return hand;
}

static void
order_free(struct order *order)
{
	if (order)
		free(order->handler);
	free(order);
}

static void
unlink_order(struct hand *hand, struct order *order)
{
	STAILQ_REMOVE(&hand->orders, order, order, link);
	hand->n_orders--;
}

void
hand_free(struct hand *hand)
{
	struct order *order;
	if (!hand)
		return;
	while ((order = STAILQ_FIRST(&hand->orders))) {
		unlink_order(hand, order);
		order_free(order);
	}
	order_free(hand->taken);
	for (size_t i = 0; i < hand->n; i++)
		free(hand->v[i].handler);
	free(hand->v);
	free(hand->ended);
	free(hand);
}

void
hand_began(struct hand *hand, uint64_t id, const char *handler)
{
	if (hand->n == hand->cap) {
		hand->cap = hand->cap > 0 ? 2 * hand->cap : 16;
		hand->v = xreallocarray(hand->v, hand->cap, sizeof(*hand->v));
	}
	hand->v[hand->n++] = (struct slot){ id, xstrdup(handler) };
}

const char *
hand_ended(struct hand *hand, uint64_t id)
{
	for (size_t i = 0; i < hand->n; i++) {
		if (hand->v[i].id != id)
			continue;
		free(hand->ended);
		hand->ended = hand->v[i].handler;
		hand->v[i] = hand->v[--hand->n];
		return hand->ended;
	}
	return NULL;
}

size_t
hand_running(const struct hand *hand, const char *handler)
{
	size_t n = 0;
	for (size_t i = 0; i < hand->n; i++)
		n += strcmp(hand->v[i].handler, handler) == 0;
	return n;
}

static size_t
waiting(const struct hand *hand, const char *handler)
{
	const struct order *order;
	size_t n = 0;
	STAILQ_FOREACH(order, &hand->orders, link)
	{
		n += strcmp(order->handler, handler) == 0;
	}
	return n;
}

bool
hand_is_stocked(const struct hand *hand, const char *handler)
{
	return handler && waiting(hand, handler) > hand_running(hand, handler);
}

/* Moves a string behind those that are there. */
static void
keep_text(const char **text, char **at)
{
	size_t size = strlen(*text) + 1;
	*text = memcpy(*at, *text, size);
	*at += size;
}

bool
hand_keep(struct hand *hand, const struct wire_msg *msg, const char *handler)
{
	if (hand->n_orders >= KEPT_MAX)
		return false;
	size_t size = strlen(msg->path) + strlen(msg->old_path) + strlen(msg->event) +
	    strlen(msg->event_id) + strlen(msg->checksum) + 5;
	struct order *order = xmalloc(sizeof(*order) + size);
	char *at = order->text;
	order->msg = *msg;
	order->handler = xstrdup(handler);
	keep_text(&order->msg.path, &at);
	keep_text(&order->msg.old_path, &at);
	keep_text(&order->msg.event, &at);
	keep_text(&order->msg.event_id, &at);
	keep_text(&order->msg.checksum, &at);
	STAILQ_INSERT_TAIL(&hand->orders, order, link);
	hand->n_orders++;
	return true;
}

bool
hand_take(struct hand *hand, const char *handler, struct wire_msg *msg)
{
	struct order *order;
	STAILQ_FOREACH(order, &hand->orders, link)
	{
		if (!handler || strcmp(order->handler, handler) == 0)
			break;
	}
	if (!order)
		return false;
	unlink_order(hand, order);
	order_free(hand->taken);
	hand->taken = order;
	*msg = order->msg;
	return true;
}

bool
hand_drop(struct hand *hand, uint64_t id)
{
	struct order *order;
	STAILQ_FOREACH(order, &hand->orders, link)
	{
		if (order->msg.id == id)
			break;
	}
	if (!order)
		return false;
	unlink_order(hand, order);
	order_free(order);
	return true;
}
