/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_CTL_CLIENT_H
#define FILEMON_CTL_CLIENT_H

/*
 * One question to a running filemond and its answer (doc/control-protocol.md).
 * A watcher that was killed is back within about a second, so a connection
 * that is refused or breaks off is tried again for a while as long as the lock
 * is held; every method may be asked twice.  One that lost its socket is told so
 * (nudge.h), and waited for no longer than making another takes.
 */

#include <cjson/cJSON.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/project.h"

enum client_outcome {
	CLIENT_OK,
	CLIENT_NOT_RUNNING, /* and the lock is free */
	CLIENT_NO_ANSWER,   /* the lock is held, or cannot be looked at */
	CLIENT_REFUSED,	    /* error has the daemon's words */
};

struct client_call {
	const char *method;
	cJSON *params;	     /* taken by the call; NULL: none */
	int64_t patience_ms; /* to get a connection; 0: one try, no look at the lock */
	int64_t timeout_ms;  /* for the answer; 0: none */
	cJSON *result;	     /* the caller deletes */
	char error[512];
	int error_no; /* CLIENT_NO_ANSWER: why there was no connection, or no answer */
	bool unknown; /* CLIENT_REFUSED: the daemon does not know the method */
};

#define CLIENT_PATIENCE_MS 5000
#define CLIENT_TIMEOUT_MS 30000

enum client_outcome client_ask(
    const char *socket, const char *state_dir, struct client_call *);

/* The same of a project, with the usual patience and time. */
enum client_outcome client_ask_project(const struct project *, struct client_call *);
/*
 * As commands want it: with the usual patience; says what is wrong and what to
 * do.  CTL_OK with *result, or an exit code.
 */
int client_call(struct ctl *, const struct project *, const char *method, cJSON *params,
    cJSON **result);
/* Why there was no answer and, where it is known, what helps. */
void client_reason(const struct project *, const struct client_call *, struct buf *text);
/* The exit code for an outcome that is not CLIENT_OK, after having said why. */
int client_failed(struct ctl *, const struct project *, enum client_outcome,
    const struct client_call *);

/* A params object with path, or path_b64 where it is not UTF-8. */
cJSON *client_path_params(const char *path);

#endif
