/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_PACK_PACK_H
#define FILEMON_PACK_PACK_H

#include <stdint.h>

/*
 * Puts <first>.ndjson.zst (eventlog/packed.h) in the place of <first>.ndjson.
 * A crash at any point leaves a whole segment under one name or the other, or
 * under both: it is written under a third name, brought to the disk, renamed,
 * and only then is the plain one removed.  -1 with errno: the plain one is
 * untouched.  Its time of modification goes over: it is the segment's age.
 */
int pack_segment(const char *dir, uint64_t first);

#endif
