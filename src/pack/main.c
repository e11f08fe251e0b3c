/* SPDX-License-Identifier: ISC */
/*
 * filemon-pack: compresses a closed segment of the event log, or writes the text
 * of one that is compressed to its output.  Run by filemond; nobody types its
 * name.
 *
 *	filemon-pack DIRECTORY FIRST-SEQ
 *	filemon-pack -d DIRECTORY FIRST-SEQ FROM-SEQ NEXT-SEQ
 *
 * Exit code: 0 done, 1 it failed: the segment is as it was; of -d 2: it is
 * damaged, and stderr begins with the number of records that are not in the output.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pack/pack.h"
#include "pack/unpack.h"

#define DAMAGED 2

/* What cannot be had is no reason not to do the work. */
static void
step_back(void)
{
	(void)!nice(19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
	    IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1));
}

static bool
get_number(const char *text, uint64_t *number)
{
	char *end;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && *number != 0 && *end == '\0';
}

static int
fail(const char *dir, uint64_t first)
{
	fprintf(stderr, "filemon-pack: %s: segment %" PRIu64 ": %s\n", dir, first,
	    strerror(errno));
	return 1;
}

static int
unpack(const char *dir, const struct unpack_range *range)
{
	uint64_t lost;
	switch (unpack_segment(dir, range, STDOUT_FILENO, &lost)) {
	case 0:
		return 0;
	case 1:
		fprintf(stderr, "%" PRIu64 " records are damaged\n", lost);
		return DAMAGED;
	default:
		return fail(dir, range->first);
	}
}

int
main(int argc, char **argv)
{
	struct unpack_range range;
	uint64_t first;
	if (argc == 6 && strcmp(argv[1], "-d") == 0 &&
	    get_number(argv[3], &range.first) && get_number(argv[4], &range.from) &&
	    get_number(argv[5], &range.next) && range.from <= range.next)
		return unpack(argv[2], &range);
	if (argc != 3 || !get_number(argv[2], &first)) {
		fprintf(stderr,
		    "usage: filemon-pack DIRECTORY FIRST-SEQ\n"
		    "       filemon-pack -d DIRECTORY FIRST-SEQ FROM-SEQ "
		    "NEXT-SEQ\n");
		return 1;
	}
	step_back();
	return pack_segment(argv[1], first) == 0 ? 0 : fail(argv[1], first);
}
