/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_FOLLOWERS_H
#define FILEMON_WATCHER_FOLLOWERS_H

/*
 * The sinks, as the runner tells of them: for the status, and for what must
 * be kept of the event log.  Once a turn the runner is told how far the log is
 * written, while there are sinks; it feeds them from the files.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct watcher;
struct wire_msg;

struct follower {
	const char *name; /* of the configuration */
	bool known;	  /* the runner has told of it */
	char state[16];
	int64_t pid;
	uint64_t seq, fed; /* the last record that it has, that it was given */
	uint64_t starts, deaths;
	uint64_t missed; /* records that could not be given to it */
	int64_t wall_ns; /* of the first record that it has not; 0: not known */
	char error[256]; /* the last one, "" if it is over */
};

/* After a change of the configuration too: what is known of a name stays. */
void followers_build(struct watcher *);
void followers_release(struct watcher *);
/* The runner is there (again), or has other sinks. */
void followers_greet(struct watcher *);
void followers_message(struct watcher *, const struct wire_msg *);
/* The event log was written. */
void followers_turn(struct watcher *);
/* The lowest record that a sink has not yet; UINT64_MAX where there is none. */
uint64_t followers_floor(const struct watcher *);
/* Adds "sinks" to a status. */
void followers_status(const struct watcher *, cJSON *out);

#endif
