/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_POLICY_RETRY_H
#define FILEMON_POLICY_RETRY_H

/*
 * What follows from how a run ended.  Pure: the tables come from the
 * configuration, chance comes as a number.
 */

#include <stdint.h>

#include "conf/config.h"
#include "wire/wire.h"

enum outcome {
	OUTCOME_DONE,	  /* delivered */
	OUTCOME_RETRY,	  /* temporary failure */
	OUTCOME_REJECTED, /* permanent failure: a dead letter at once */
	OUTCOME_FAULT,	  /* the handler itself is broken: opens the breaker */
	OUTCOME_SHORT,	  /* not started for want of something: not an attempt */
	OUTCOME_CUT,	  /* broken off by filemon: not an attempt */
	OUTCOME_COUNT,
};

/* "done" "retry" "rejected" "fault" "short" "cut" */
const char *outcome_name(enum outcome);

/*
 * EXIT: success table, permanent table, 126 and 127 are a fault, else retry.
 * SIGNAL and TIMEOUT: retry.  EXEC_FAILED: EAGAIN ENOMEM EMFILE ENFILE are short
 * (that is no fault of the path or of the handler), ETXTBSY is retried, E2BIG and
 * ENAMETOOLONG (the path) rejected, others are a fault.  CUT stays cut.
 */
enum outcome retry_classify(const struct handler_config *, enum wire_outcome, int code);

/*
 * Wait before the run after attempt n (from 1): full jitter over
 * [0, min(backoff * 2^(n-1), backoff_max)]; random is uniform over uint32.
 */
int64_t retry_wait_ms(const struct handler_config *, int64_t attempt, uint32_t random);

/* "exit 1", "signal 9 (Killed)", "timed out after 5 min", "cannot start: ..."; returns
 * out. */
char *retry_describe(
    const struct handler_config *, enum wire_outcome, int code, char *out, unsigned size);

#endif
