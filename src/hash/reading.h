/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_HASH_READING_H
#define FILEMON_HASH_READING_H

/*
 * Reads a file once, in pieces: its SHA-256, and the entropy of samples of it.
 * Memory does not depend on the file.  One that is larger than max is sampled
 * only.  Size and stamps are compared before and after; one that grows is not
 * followed.
 */

#include <stdint.h>

#include "wire/content.h"

struct reader;

/* NULL with errno. */
struct reader *reader_new(void);
void reader_free(struct reader *);
/* out->sum is the reader's, and valid until the next call. */
void reader_read(struct reader *, const struct content_request *, struct content *out);

#endif
