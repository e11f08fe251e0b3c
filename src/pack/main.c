/* SPDX-License-Identifier: ISC */
/*
 * filemon-pack: compresses a closed segment of the event log.  Run by filemond
 * with low priority; nobody types its name.
 *
 *	filemon-pack DIRECTORY FIRST-SEQ
 *
 * Exit code: 0 done, 1 it failed: the segment is as it was.
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pack/pack.h"

/* What cannot be had is no reason not to do the work. */
static void
step_back(void)
{
	(void)!nice(19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
	    IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1));
}

int
main(int argc, char **argv)
{
	char *end;
	uint64_t first;
	if (argc != 3 || (first = strtoull(argv[2], &end, 10)) == 0 || *end != '\0') {
		fprintf(stderr, "usage: filemon-pack DIRECTORY FIRST-SEQ\n");
		return 1;
	}
	step_back();
	if (pack_segment(argv[1], first) == 0)
		return 0;
	fprintf(stderr, "filemon-pack: %s: segment %s: %s\n", argv[1], argv[2],
	    strerror(errno));
	return 1;
}
