/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_ASK_PRIV_H
#define FILEMON_WATCHER_ASK_PRIV_H

/* The questions that wait for an answer; shared by those who ask and who answer. */

#include "state/sums.h"
#include "watcher/ask.h"

#define ASKS_MAX 128

struct ask {
	uint64_t id;
	int64_t node, sig;
	uint64_t seq; /* of the record, for_record */
	bool for_record;
};

struct asks {
	struct ask v[ASKS_MAX];
	size_t n, n_for_records;
	uint64_t last_id;
	int64_t away_until; /* there is no helper: nobody asks before */
	int64_t away_ms;    /* how long that was the last time */
	struct globs *temp;
	struct ask_stats stats;
};

/* answer.c: what is known of the node completes the record that wants it. */
void answer_complete(
    struct watcher *, struct root *, const struct node *, const struct buf *path);

#endif
