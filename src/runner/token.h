/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_TOKEN_H
#define FILEMON_RUNNER_TOKEN_H

/*
 * The token (options token-file and token-key): verified by filemon-token when
 * it is configured, whenever its file changes, and when it expires.  What is
 * valid is told as lines of name=value; what is not, with the reason: then the
 * tags of before hold.
 */

#include "conf/config.h"

struct ev_loop;
struct jobs;
struct token;

struct token_hooks {
	/* code 0: text is the tags; else the reason */
	void (*told)(void *ctx, int code, const char *text);
	void *ctx;
};

struct token *token_new(struct ev_loop *, struct jobs *, const struct token_hooks *);
void token_free(struct token *);
void token_configure(struct token *, const struct config *);
/* No more of it: filemon stops. */
void token_stop(struct token *);

#endif
