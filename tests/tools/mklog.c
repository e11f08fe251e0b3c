/* SPDX-License-Identifier: ISC */
/*
 * mklog DIRECTORY RECORDS PER-SEGMENT: writes an event log as filemond would
 * have, a record each millisecond from 2026-01-01 on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "eventlog/name.h"

#define BEGIN INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static FILE *
begin_segment(const char *dir, uint64_t seq)
{
	char name[NAME_SIZE], path[4096];
	name_format(seq, FORM_PLAIN, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void
write_record(FILE *file, uint64_t seq)
{
	time_t s = BEGIN + (time_t)(seq / 1000);
	char when[32];
	struct tm tm;
	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(file,
	    "{\"v\":1,\"seq\":%" PRIu64 ",\"id\":\"0198f3c2-5a1b-7c3d-8e4f-%012" PRIx64
	    "\",\"timestamp_utc\":\"%s.%03u000000Z\",\"event_type\":{\"type\":"
	    "\"modified\",\"kind\":\"content\"},\"file_path\":\"/home/u/p/docs/%" PRIu64
	    ".md\",\"rel_path\":\"docs/%" PRIu64
	    ".md\",\"size\":%u,\"mtime_ns\":1769867983412000000,\"inode\":7340112,"
	    "\"source\":\"inotify\",\"tenant_id\":\"acme\"}\n",
	    seq, seq, when, (unsigned)(seq % 1000), seq % 977, seq % 977,
	    (unsigned)(seq * 7919 % 100000));
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	uint64_t records = strtoull(argv[2], NULL, 10),
		 each = strtoull(argv[3], NULL, 10);
	FILE *file = NULL;
	for (uint64_t seq = 1; seq <= records; seq++) {
		if ((seq - 1) % each == 0) {
			if (file && fclose(file) == EOF)
				return 1;
			file = begin_segment(argv[1], seq);
		}
		write_record(file, seq);
	}
	return file && fclose(file) == EOF;
}
