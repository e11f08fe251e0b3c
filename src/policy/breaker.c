/* SPDX-License-Identifier: ISC */
#include "policy/breaker.h"

#include "base/compiler.h"

static const char *const names[] = {
	[BREAKER_CLOSED] = "closed",
	[BREAKER_OPEN] = "open",
	[BREAKER_HALF_OPEN] = "half-open",
};

const char *
breaker_state_name(enum breaker_state state)
{
	return names[state];
}

void
breaker_init(struct breaker *b)
{
	*b = (struct breaker){ .state = BREAKER_CLOSED };
}

void
breaker_reset(struct breaker *b)
{
	b->state = BREAKER_CLOSED;
	b->failures = 0;
	b->cooldown_ms = 0;
	b->until_ms = 0;
}

/* Half open without a running job: the probe was broken off, or there was
   nothing to run.  Another may go. */
bool
breaker_allows(struct breaker *b, int64_t now_ms, int64_t running)
{
	if (b->state == BREAKER_CLOSED)
		return true;
	if (running > 0 || (b->state == BREAKER_OPEN && now_ms < b->until_ms))
		return false;
	b->state = BREAKER_HALF_OPEN;
	return true;
}

int64_t
breaker_due(const struct breaker *b)
{
	return b->state == BREAKER_OPEN ? b->until_ms : -1;
}

static bool
open_for(struct breaker *b, int64_t cooldown_ms, int64_t now_ms)
{
	b->state = BREAKER_OPEN;
	b->cooldown_ms = cooldown_ms;
	b->until_ms = now_ms + cooldown_ms;
	b->opened++;
	return true;
}

static bool
open_again(struct breaker *b, const struct breaker_limits *limits, int64_t now_ms)
{
	int64_t cooldown = b->cooldown_ms * 2;
	if (cooldown > BREAKER_COOLDOWN_MAX_MS)
		cooldown = BREAKER_COOLDOWN_MAX_MS;
	if (cooldown < limits->cooldown_ms) /* what was asked for may be longer */
		cooldown = limits->cooldown_ms;
	return open_for(b, cooldown, now_ms);
}

static bool
has_failed(const struct breaker *b, int64_t path)
{
	for (int64_t i = 0; i < b->failures && i < BREAKER_PATHS; i++)
		if (b->paths[i] == path)
			return true;
	return false;
}

static bool
note_closed(struct breaker *b, const struct breaker_limits *limits, bool fault,
    int64_t path, int64_t now_ms)
{
	if (!has_failed(b, path))
		b->paths[b->failures++ % BREAKER_PATHS] = path;
	if (!fault && (limits->failures == 0 || b->failures < limits->failures))
		return false;
	return open_for(b, limits->cooldown_ms, now_ms);
}

/* While it is open, jobs that began before it opened end: they change nothing. */
bool
breaker_note(struct breaker *b, const struct breaker_limits *limits, enum outcome outcome,
    int64_t path, int64_t now_ms)
{
	if (outcome == OUTCOME_CUT || outcome == OUTCOME_SHORT ||
	    b->state == BREAKER_OPEN)
		return false;
	if (outcome == OUTCOME_DONE || outcome == OUTCOME_REJECTED) {
		breaker_reset(b);
		return false;
	}
	if (b->state == BREAKER_HALF_OPEN)
		return open_again(b, limits, now_ms);
	return note_closed(b, limits, outcome == OUTCOME_FAULT, path, now_ms);
}
