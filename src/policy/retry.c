/* SPDX-License-Identifier: ISC */
#include "policy/retry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clk.h"
#include "base/compiler.h"

/* sh(1): found but not executable, and not found. */
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

static const char *const names[] = {
	[OUTCOME_DONE] = "done",
	[OUTCOME_RETRY] = "retry",
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_FAULT] = "fault",
	[OUTCOME_SHORT] = "short",
	[OUTCOME_CUT] = "cut",
};
_Static_assert(COUNTOF(names) == OUTCOME_COUNT, "an outcome lacks its name");

const char *
outcome_name(enum outcome outcome)
{
	return names[outcome];
}

static enum outcome
classify_exit(const struct handler_config *handler, int code)
{
	if (exit_set_has(&handler->success, code))
		return OUTCOME_DONE;
	if (exit_set_has(&handler->permanent, code))
		return OUTCOME_REJECTED;
	if (code == EXIT_NOT_EXECUTABLE || code == EXIT_NOT_FOUND)
		return OUTCOME_FAULT;
	return OUTCOME_RETRY;
}

static enum outcome
classify_exec(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return OUTCOME_SHORT;
	case ETXTBSY:
		return OUTCOME_RETRY;
	case E2BIG:
	case ENAMETOOLONG:
		return OUTCOME_REJECTED;
	default:
		return OUTCOME_FAULT;
	}
}

enum outcome
retry_classify(const struct handler_config *handler, enum wire_outcome outcome, int code)
{
	switch (outcome) {
	case WIRE_EXIT:
		return classify_exit(handler, code);
	case WIRE_EXEC_FAILED:
		return classify_exec(code);
	case WIRE_CUT:
		return OUTCOME_CUT;
	case WIRE_SIGNAL:
	case WIRE_TIMEOUT:
	case WIRE_OUTCOME_MAX:
		break;
	}
	return OUTCOME_RETRY;
}

/* min(backoff * 2^(n-1), backoff_max) */
static int64_t
cap_ms(const struct handler_config *handler, int64_t attempt)
{
	int64_t cap = handler->backoff_ms;
	for (int64_t n = 1; n < attempt && cap > 0 && cap < handler->backoff_max_ms;
	     n++) {
		if (__builtin_mul_overflow(cap, 2, &cap))
			return handler->backoff_max_ms;
	}
	return cap < handler->backoff_max_ms ? cap : handler->backoff_max_ms;
}

int64_t
retry_wait_ms(const struct handler_config *handler, int64_t attempt, uint32_t random)
{
	int64_t cap = cap_ms(handler, attempt);
	if (cap <= 0)
		return 0;
	/* cap + 1 can be above 2^32, and its product with random above 2^64. */
	unsigned __int128 steps = (unsigned __int128)cap + 1;
	return (int64_t)(steps * random >> 32);
}

static const char *
command_name(const struct handler_config *handler)
{
	if (handler->load.n > 0)
		return handler->load.v[0];
	return handler->remove_file.n > 0 ? handler->remove_file.v[0] : "the command";
}

char *
retry_describe(const struct handler_config *handler, enum wire_outcome outcome, int code,
    char *out, unsigned size)
{
	char time[64];
	switch (outcome) {
	case WIRE_EXIT:
		snprintf(out, size, "exit %d", code);
		break;
	case WIRE_SIGNAL:
		snprintf(out, size, "signal %d (%s)", code, strsignal(code));
		break;
	case WIRE_TIMEOUT:
		clk_format_duration(handler->timeout_ms, time, sizeof(time));
		snprintf(out, size, "timed out after %s", time);
		break;
	case WIRE_EXEC_FAILED:
		snprintf(out, size, "cannot start %s: %s", command_name(handler),
		    strerror(code));
		break;
	case WIRE_CUT:
	case WIRE_OUTCOME_MAX:
		snprintf(out, size, "broken off by filemon");
		break;
	}
	return out;
}
