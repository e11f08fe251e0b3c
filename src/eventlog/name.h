/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_EVENTLOG_NAME_H
#define FILEMON_EVENTLOG_NAME_H

/*
 * The files of an event log: <first-seq, 20 digits>.ndjson, and of a closed
 * segment that was compressed <first-seq>.ndjson.zst.  For a moment, and after
 * a crash, a segment has both; they have the same content then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_PLAIN ".ndjson"
#define NAME_PACKED ".ndjson.zst"
#define NAME_SIZE sizeof("00000000000000000000" NAME_PACKED)

enum name_form { FORM_PLAIN = 1, FORM_PACKED = 2 }; /* bits */

void name_format(uint64_t first, enum name_form, char out[NAME_SIZE]);
/* false where it is the name of no segment. */
bool name_parse(const char *name, uint64_t *first, enum name_form *);

struct segment_name {
	uint64_t first;
	unsigned forms; /* bits of enum name_form */
};

struct names {
	struct segment_name *v; /* by first, ascending; one for both forms */
	size_t n;
};

/* What there is in the directory; -1 with errno, and then it is empty. */
int names_list(int dirfd, struct names *);
void names_release(struct names *);
/* The last one whose first is not after seq; the first where there is none. */
size_t names_find(const struct names *, uint64_t seq);

#endif
