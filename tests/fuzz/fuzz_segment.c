/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Exercises how an event log is gone on with: the input is the last segment
 * that a crash left, the first byte whether it is packed.  Afterwards a record
 * can be added, and its number is greater than that of every whole record of
 * the end.
 */

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "conf/config.h"
#include "eventlog/chain.h"
#include "eventlog/evlog.h"
#include "eventlog/head.h"
#include "eventlog/name.h"
#include "eventlog/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/filemon-fuzz.XXXXXX";
static const struct config config = { 0 };

static void
clear(void)
{
	struct names names;
	char name[NAME_SIZE];
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (names_list(fd, &names) == 0)
		for (size_t i = 0; i < names.n; i++) {
			name_format(names.v[i].first, FORM_PLAIN, name);
			unlinkat(fd, name, 0);
			name_format(names.v[i].first, FORM_PACKED, name);
			unlinkat(fd, name, 0);
		}
	names_release(&names);
	close(fd);
}

static void
leave(void)
{
	clear();
	rmdir(dir);
}

static void
put(const uint8_t *data, size_t size, enum name_form form)
{
	char name[NAME_SIZE], path[128];
	int fd;

	name_format(1, form, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd != -1 && (size == 0 || write(fd, data, size) == (ssize_t)size));
	if (form == FORM_PACKED) {
		struct packed packed = { 0 };

		if (packed_read(fd, (off_t)size, &packed) == 0)
			for (off_t at = 0; at < packed.plain_size; at += 1 << 20)
				packed_find(&packed, at);
		packed_release(&packed);
	}
	close(fd);
}

/* The greatest number in its lines. */
static uint64_t
greatest(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	uint64_t last = 0;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct record_head head;

		if (!newline)
			break;
		chain_prev(p, (size_t)(newline - p));
		if (head_parse(p, (size_t)(newline - p), &head)) {
			head_compare_time(&head, "2026-01-31T13:59:43.416755123Z");
			last = head.seq;
		}
		p = newline + 1;
	}
	return last;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	const struct evlog_options options = {
		.dir = dir, .stdout_fd = -1, .format = FORMAT_JSON, .config = &config
	};
	const struct event event = { .type = EVENT_STARTED, .root = "/p" };
	struct evlog *log;
	bool packed = size > 0 && (data[0] & 1) != 0;

	if (!begun) {
		begun = true;
		assert(mkdtemp(dir));
		atexit(leave);
		log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	}
	if (size > 0) {
		data++;
		size--;
	}
	put(data, size, packed ? FORM_PACKED : FORM_PLAIN);
	log = evlog_open(&options);
	assert(log || packed);
	if (log) {
		uint64_t seq = evlog_add(log, &event, NULL);

		assert(packed || seq > greatest(data, size));
		assert(evlog_flush(log) == 0);
	}
	evlog_close(log, 0);
	clear();
	return 0;
}
