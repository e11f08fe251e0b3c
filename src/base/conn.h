/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_CONN_H
#define FILEMON_BASE_CONN_H

/*
 * A stream connection on the loop that carries one message a line, bounded
 * both ways: a line longer than max_in, or more than max_out bytes that the
 * peer does not read, closes it; so does idle_ms without a byte from the peer
 * (0: never).  From a peer that leaves 64 KiB unread no more lines are taken
 * until it has read them.  conn_send never blocks.  After on_close the conn is
 * freed.
 */

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

struct conn_options {
	size_t max_in;	/* bytes of one line */
	size_t max_out; /* bytes waiting to be read by the peer */
	int64_t idle_ms;
	/* line is NUL-terminated, without its newline, valid during the call */
	void (*on_line)(struct conn *, void *ctx, char *line, size_t len);
	/* why: "closed by peer", "line too long", ...; errno is not kept */
	void (*on_close)(struct conn *, void *ctx, const char *why);
	void *ctx;
};

/* Takes fd, which becomes non-blocking. */
struct conn *conn_new(struct ev_loop *, int fd, const struct conn_options *);
/* Frees without calling on_close; not from within on_line (conn_finish). */
void conn_free(struct conn *);
/* text and a newline; false where the bound was met and the conn will close. */
bool conn_send(struct conn *, const char *text, size_t len);
/* No more lines are taken; closes (on_close) when everything is sent. */
void conn_finish(struct conn *);
/* A peer waiting for a long answer is not idle. */
void conn_set_idle(struct conn *, int64_t idle_ms);
void *conn_ctx(const struct conn *);
int conn_fd(const struct conn *);

#endif
