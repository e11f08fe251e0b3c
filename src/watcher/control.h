/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_WATCHER_CONTROL_H
#define FILEMON_WATCHER_CONTROL_H

/*
 * The control socket: accepts, checks who it is, takes JSON-RPC 2.0 requests
 * (doc/control-protocol.md) and answers.  Requests, answers and the number of
 * clients are bounded; no client can hold up the loop.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/json.h"

struct watcher;
struct control;

/* A client that says nothing for so long is closed. */
#define CONTROL_IDLE_MS (60 * 1000)

enum control_code {
	CONTROL_PARSE = -32700,
	CONTROL_REQUEST = -32600,
	CONTROL_METHOD = -32601,
	CONTROL_PARAMS = -32602,
	CONTROL_REFUSED = 1,
};

struct request {
	struct watcher *w;
	struct conn *conn;
	const char *id;	     /* as JSON text; NULL: no answer is wanted */
	const cJSON *params; /* an object */
};

/* NULL with errno; the reason was logged. */
struct control *control_open(struct watcher *);
void control_close(struct control *);
/* Makes the socket again where it was removed or replaced; control may be NULL. */
void control_look(struct control *);
bool control_is_open(const struct control *, const struct conn *);

/* Takes result. */
void control_reply(struct conn *, const char *id, cJSON *result);
void control_error(struct conn *, const char *id, int code, const char *text);

/* Adds bytes as a string, and name_b64 where they are not UTF-8. */
void control_add_bytes(cJSON *obj, const char *name, const void *, size_t);
void control_add_time(cJSON *obj, const char *name, int64_t wall_ns);

#endif
