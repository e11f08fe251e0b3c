/* SPDX-License-Identifier: ISC */
#include "state/sums.h"

#include <string.h>

#include "state/delivery.h"
#include "state/node.h"
#include "unit.h"

static struct state *
open_temporary(void)
{
	struct state *state = state_open(NULL, 256);
	ck_assert_ptr_nonnull(state);
	return state;
}

static int64_t
add_node(struct state *state, const char *name)
{
	struct node node = { .parent = node_root(state, "/p"),
		.sig = { .type = SIG_FILE, .ino = 5 } };
	node_insert(state, &node, name, strlen(name));
	return node.id;
}

START_TEST(a_sum_comes_back_as_it_was)
{
	struct state *state = open_temporary();
	struct sum in = { .node = add_node(state, "a"),
		.sig = -5,
		.state = CONTENT_READ,
		.known = true,
		.raw = { 1, [31] = 255 },
		.entropy = 7999,
		.seq = 12,
		.wanted = true,
		.due = 100,
		.since = 50,
		.attempts = 2 };
	struct sum out;
	ck_assert(!sums_get(state, in.node, &out));
	ck_assert(!out.known && !out.wanted && out.sig == 0 && out.entropy == -1);
	sums_put(state, &in);
	ck_assert(sums_get(state, in.node, &out));
	ck_assert_int_eq(out.sig, -5);
	ck_assert(out.known && out.wanted);
	ck_assert_mem_eq(out.raw, in.raw, sizeof(in.raw));
	ck_assert(out.entropy == 7999 && out.seq == 12 && out.due == 100 &&
	    out.since == 50 && out.attempts == 2);
	in.known = in.wanted = false;
	in.state = CONTENT_TOO_LARGE;
	sums_put(state, &in);
	ck_assert(sums_get(state, in.node, &out));
	ck_assert(!out.known && !out.wanted && out.state == CONTENT_TOO_LARGE);
	state_close(state);
}
END_TEST

START_TEST(what_is_wanted_comes_in_order_of_time)
{
	struct state *state = open_temporary();
	struct sum sum = { .wanted = true, .since = 1 }, next;
	int64_t ids[3] = { add_node(state, "a"), add_node(state, "b"),
		add_node(state, "c") };
	ck_assert_int_eq(sums_next_due(state), -1);
	for (size_t i = 0; i < COUNTOF(ids); i++) {
		sum.node = ids[i];
		sum.due = (int64_t[]){ 30, 10, 20 }[i];
		sums_put(state, &sum);
	}
	ck_assert_int_eq(sums_count_wanted(state), 3);
	ck_assert_int_eq(sums_next_due(state), 10);
	ck_assert(!sums_next(state, 9, &next));
	ck_assert(sums_next(state, 25, &next));
	ck_assert_int_eq(next.node, ids[1]);
	sums_restart(state, 7);
	ck_assert_int_eq(sums_next_due(state), 7);
	sums_drop_wanted(state);
	ck_assert_int_eq(sums_count_wanted(state), 0);
	state_close(state);
}
END_TEST

START_TEST(a_sum_goes_with_its_node)
{
	struct state *state = open_temporary();
	struct sum sum = { .node = add_node(state, "a"), .wanted = true }, out;
	sums_put(state, &sum);
	node_delete(state, sum.node);
	ck_assert(!sums_get(state, sum.node, &out));
	ck_assert_int_eq(sums_next_due(state), -1);
	state_close(state);
}
END_TEST

/* A load that waited for an answer when everything ended does not go on waiting. */
START_TEST(a_restart_frees_who_waits_for_content)
{
	struct state *state = open_temporary();
	struct delivery waiting = {
		.handler = 1, .node = add_node(state, "a"), .pending = true, .due = 5000
	};
	struct delivery other = waiting, out;
	waiting.blocked_on = waiting.node;
	other.node = add_node(state, "b");
	other.blocked_on = waiting.node;
	delivery_put(state, &waiting);
	delivery_put(state, &other);
	sums_restart(state, 7);
	ck_assert(delivery_get(state, 1, waiting.node, &out));
	ck_assert(out.due == 7 && out.blocked_on == 0);
	ck_assert(delivery_get(state, 1, other.node, &out));
	ck_assert(out.due == 5000 && out.blocked_on == waiting.node);
	state_close(state);
}
END_TEST

START_TEST(a_delivery_keeps_what_it_was_of)
{
	struct state *state = open_temporary();
	struct delivery in = { .handler = 1,
		.node = 2,
		.state = DELIVERY_YES,
		.body = { .known = true, .sum = { 9 }, .shape = -3, .meta = 4 } };
	struct delivery out;
	delivery_put(state, &in);
	ck_assert(delivery_get(state, 1, 2, &out));
	ck_assert(out.body.known && out.body.shape == -3 && out.body.meta == 4);
	ck_assert_mem_eq(out.body.sum, in.body.sum, sizeof(in.body.sum));
	in.body.known = false;
	delivery_put(state, &in);
	ck_assert(delivery_get(state, 1, 2, &out));
	ck_assert(!out.body.known);
	ck_assert(delivery_get(state, 1, 3, &out) == false && !out.body.known);
	state_close(state);
}
END_TEST

UNIT_MAIN("sums", a_sum_comes_back_as_it_was, what_is_wanted_comes_in_order_of_time,
    a_sum_goes_with_its_node, a_restart_frees_who_waits_for_content,
    a_delivery_keeps_what_it_was_of)
