/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_VIS_H
#define FILEMON_BASE_VIS_H

/* What may be shown: paths and what handlers print come from strangers. */

#include <stdbool.h>
#include <stddef.h>

/*
 * May the well-formed character of len bytes at s (buf_utf8) stand in a line on
 * a terminal?  Not controls (U+009B begins a sequence), line separators, marks
 * that turn the direction or have no width; nor a backslash, which begins an
 * escape.
 */
bool vis_is_harmless(const void *s, size_t len);

#endif
