/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_XMALLOC_H
#define FILEMON_BASE_XMALLOC_H

/*
 * Allocation that cannot fail: where memory is out, the process ends with one
 * line (fatal).  Delivery is level-triggered, so a restart costs a scan and
 * loses nothing.  libfilemon does not use this: a library returns errors.
 */

#include <stddef.h>

#include "base/compiler.h"

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *, size_t n, size_t size);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t n);
void *xmemdup(const void *, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
