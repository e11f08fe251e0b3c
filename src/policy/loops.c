/* SPDX-License-Identifier: ISC */
#include "policy/loops.h"

static struct loop *
find(struct loops *loops, int64_t node)
{
	for (size_t i = 0; i < loops->n; i++)
		if (loops->v[i].node == node)
			return &loops->v[i];
	return NULL;
}

/* Room for another: the one with the fewest runs goes, where there is none. */
static struct loop *
add(struct loops *loops)
{
	struct loop *least = &loops->v[0];

	if (loops->n < LOOPS_MAX)
		return &loops->v[loops->n++];
	for (size_t i = 1; i < loops->n; i++)
		if (loops->v[i].runs < least->runs)
			least = &loops->v[i];
	return least;
}

static int64_t
longer(const struct loop *loop, const struct loops_limits *limits)
{
	int64_t next =
	    loop->cooldown_ms == 0 ? limits->cooldown_ms : 2 * loop->cooldown_ms;

	if (next > LOOPS_COOLDOWN_MAX_MS)
		next = LOOPS_COOLDOWN_MAX_MS;
	/* What was asked for may be longer. */
	return next < limits->cooldown_ms ? limits->cooldown_ms : next;
}

bool
loops_changed(
    struct loops *loops, const struct loops_limits *limits, const struct loops_run *run)
{
	struct loop *loop;

	if (limits->runs == 0)
		return false;
	loop = find(loops, run->node);
	if (loop == NULL) {
		loop = add(loops);
		*loop = (struct loop){ .node = run->node };
	}
	loop->handler = run->handler;
	loop->ctime_ns = run->ctime_ns;
	loop->runs++;
	if (loop->runs < limits->runs)
		return false;
	loop->cooldown_ms = longer(loop, limits);
	loop->until_ms = run->now_ms + loop->cooldown_ms;
	loops->begun++;
	return true;
}

static void
forget(struct loops *loops, struct loop *loop)
{
	*loop = loops->v[--loops->n];
}

void
loops_forget(struct loops *loops, int64_t node)
{
	struct loop *loop = find(loops, node);

	if (loop != NULL)
		forget(loops, loop);
}

/* Two handlers may change it in turn, and one of them ends first. */
void
loops_quiet(struct loops *loops, int64_t node, int64_t handler)
{
	struct loop *loop = find(loops, node);

	if (loop != NULL && loop->handler == handler)
		forget(loops, loop);
}

int64_t
loops_wait(struct loops *loops, int64_t node, int64_t ctime_ns, int64_t now_ms)
{
	struct loop *loop = find(loops, node);

	if (loop == NULL)
		return 0;
	if (loop->ctime_ns != ctime_ns) {
		forget(loops, loop);
		return 0;
	}
	return loop->until_ms > now_ms ? loop->until_ms - now_ms : 0;
}

const struct loop *
loops_cooling(const struct loops *loops, int64_t node, int64_t now_ms)
{
	for (size_t i = 0; i < loops->n; i++)
		if (loops->v[i].node == node && loops->v[i].until_ms > now_ms)
			return &loops->v[i];
	return NULL;
}
