/* SPDX-License-Identifier: ISC */
#include "runner/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "unit.h"

static char dir[] = "/tmp/test_progress.XXXXXX";

static uint64_t
seq_on_disk(void)
{
	char path[128];
	struct cursor cursor;
	snprintf(path, sizeof(path), "%s/sinks/s.cursor", dir);
	int known = cursor_open(&cursor, path);
	uint64_t seq = known == 1 ? cursor.seq : 0;
	cursor_close(&cursor);
	return seq;
}

/* Also where the sink has all by then, and says nothing more. */
START_TEST(what_could_not_be_written_is_once_it_can)
{
	char folder[64], command[64];
	struct progress has;
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(folder, sizeof(folder), "%s/sinks", dir);
	ck_assert_int_eq(fd_write_atomic(folder, "", 0, 0600), 0);
	progress_init(&has, dir, "s");
	progress_begin(&has, 0, 9);
	progress_move(&has, 5);
	progress_save(&has);
	ck_assert(has.unsaved);
	ck_assert_int_eq(unlink(folder), 0);
	progress_save(&has);
	ck_assert(!has.unsaved);
	ck_assert_uint_eq(seq_on_disk(), 5);
	progress_release(&has);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

UNIT_MAIN("progress", what_could_not_be_written_is_once_it_can)
