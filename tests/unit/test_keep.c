/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "watcher/keep.h"

#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "eventlog/evlog.h"
#include "unit.h"
#include "watcher/watcher_priv.h"

static char top[64], events[80];
static struct config config;
static struct watcher w;
static int runner_fd; /* the runner's end, played by the test */

static void
on_msg(void *ctx, const struct wire_msg *msg)
{
	(void)ctx, (void)msg;
	ck_abort_msg("nothing was said to the watcher");
}

static void
on_close(void *ctx, const char *why)
{
	(void)ctx, (void)why;
}

static void
set_up(void)
{
	int fds[2];
	snprintf(top, sizeof(top), "/tmp/test_keep.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(events, sizeof(events), "%s/events", top);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	config = (struct config){ .state_dir = top, .events_compress = true };
	w = (struct watcher){ .config = &config, .ready = true, .runner_ready = true };
	w.loop = ev_loop_new(EVFLAG_NOENV);
	ck_assert_int_eq(wire_pair(fds), 0);
	runner_fd = fds[1];
	w.wire = wire_new(w.loop, fds[0], on_msg, on_close, NULL);
	w.log = evlog_open(&(struct evlog_options){
	    .dir = events, .stdout_fd = -1, .format = FORMAT_JSON, .config = &config });
	ck_assert_ptr_nonnull(w.log);
	w.keep = keep_new(&w);
}

static void
tear_down(void)
{
	char command[128];
	keep_free(w.keep);
	evlog_close(w.log, 0);
	wire_free(w.wire);
	ev_loop_destroy(w.loop);
	close(runner_fd);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

/* Two segments, of one record each; the first is closed. */
static uint64_t
write_segments(void)
{
	const struct event event = {
		.type = EVENT_CREATED, .root = "/r", .path = "a", .path_len = 1
	};
	evlog_add(w.log, &event, NULL);
	ck_assert_int_eq(evlog_flush(w.log), 0);
	ck_assert_int_eq(evlog_rotate(w.log), 0);
	uint64_t last = evlog_add(w.log, &event, NULL);
	ck_assert_int_eq(evlog_flush(w.log), 0);
	return last;
}

/* The segment that the runner is asked to compress; 0: none. */
static uint64_t
asked_for(void)
{
	unsigned char block[WIRE_MAX];
	struct wire_msg msg;
	keep_turn(w.keep, 1000);
	ev_run(w.loop, EVRUN_NOWAIT);
	ssize_t n = recv(runner_fd, block, sizeof(block), MSG_DONTWAIT);
	if (n <= 0)
		return 0;
	ck_assert_int_eq(wire_decode(&msg, block, (size_t)n), 0);
	ck_assert_int_eq(msg.type, WIRE_PACK);
	return msg.seq;
}

/* A crash would have it read, to take back what the state does not have. */
START_TEST(no_segment_is_compressed_before_the_state_has_it)
{
	set_up();
	uint64_t last = write_segments();
	w.noted_seq = last - 1;
	ck_assert_uint_eq(asked_for(), 0);
	w.noted_seq = last;
	ck_assert_uint_eq(asked_for(), 1);
	tear_down();
}
END_TEST

/* What is removed makes room, also where the state cannot be written. */
START_TEST(without_a_state_old_segments_are_removed)
{
	char path[128];
	set_up();
	uint64_t last = write_segments();
	config.events_keep_count = 1;
	w.noted_seq = last - 1;
	w.degraded = true;
	ck_assert_uint_eq(asked_for(), 0);
	snprintf(path, sizeof(path), "%s/00000000000000000001.ndjson", events);
	ck_assert_int_eq(access(path, F_OK), -1);
	tear_down();
}
END_TEST

UNIT_MAIN("keep", no_segment_is_compressed_before_the_state_has_it,
    without_a_state_old_segments_are_removed)
