/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_CHAIN_H
#define FILEMON_EVENTLOG_CHAIN_H

/*
 * The hash chain (option "chain"): the last member of a record, "prev", is the
 * SHA-256 of the record before it in the event log, a line without its
 * newline, as 64 hexadecimal digits.  Before the first record there is
 * CHAIN_NOTHING.  Whoever changes, takes out or puts in a record has to change
 * all that follow.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CHAIN_SIZE 65 /* with its NUL */
#define CHAIN_NOTHING "0000000000000000000000000000000000000000000000000000000000000000"

/* Of a line without its newline. */
void chain_hash(const char *line, size_t len, char out[CHAIN_SIZE]);
/* Puts prev into the record that is the whole of line, with its newline. */
void chain_add(struct buf *line, const char *prev);
/* Where the 64 digits stand in a line without its newline; NULL: not chained. */
const char *chain_prev(const char *line, size_t len);

#endif
