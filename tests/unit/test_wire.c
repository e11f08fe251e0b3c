/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "wire/wire.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "unit.h"

static const struct wire_msg messages[] = {
	{ .type = WIRE_RUN,
	    .id = UINT64_MAX,
	    .handler = 3,
	    .command = WIRE_MOVE,
	    .root = 1,
	    .attempt = 2,
	    .max_attempts = 8,
	    .size = -1,
	    .path = "docs/a\n\xff.md",
	    .old_path = "docs/old.md",
	    .event = "renamed",
	    .event_id = "",
	    .checksum = "sha256:00" },
	{ .type = WIRE_STOP },
	{ .type = WIRE_RELOAD, .text = "sha256:0123" },
	{ .type = WIRE_REOPEN },
	{ .type = WIRE_READY, .text = "" },
	{ .type = WIRE_STARTED, .id = 7, .pid = 4194304 },
	{ .type = WIRE_ENDED,
	    .id = 7,
	    .pid = 12,
	    .outcome = WIRE_EXEC_FAILED,
	    .code = -2,
	    .duration_us = INT64_MAX,
	    .max_rss_kib = 1000,
	    .text = "no such file",
	    .output = "a\0b\n",
	    .output_len = 4 },
	{ .type = WIRE_RELOADED, .code = -1, .text = "filemon.conf:3: unknown option" },
	{ .type = WIRE_STOPPED },
	{ .type = WIRE_PACK, .id = UINT64_C(1) << 63, .seq = 1234567890123 },
	{ .type = WIRE_TOKEN, .code = 1, .text = "token.jwt: the token has expired" },
	{ .type = WIRE_LOG, .seq = UINT64_MAX },
	{ .type = WIRE_SINK,
	    .name = "audit",
	    .state = "backoff",
	    .pid = 7,
	    .seq = 1842,
	    .fed = 1850,
	    .starts = 3,
	    .deaths = 2,
	    .missed = 11,
	    .wall_ns = INT64_MIN,
	    .text = "exit 1: no\nroom" },
	{ .type = WIRE_DROP, .id = 8 },
	{ .type = WIRE_ALERT, .name = "purge", .state = "mass-delete", .seq = 20 },
	{ .type = WIRE_LIMITS, .text = "rlimits (no cgroup is delegated)" },
	{ .type = WIRE_READ, .id = 9, .root = 2, .path = "a\n\xff.md" },
	{ .type = WIRE_CONTENT,
	    .id = 9,
	    .content = { CONTENT_READ, INT64_MAX, UINT64_MAX, -1, INT64_MIN, -1,
		"sha256:00" } },
};

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

static void
expect_same(const struct wire_msg *got, const struct wire_msg *want)
{
	ck_assert_int_eq(got->type, want->type);
	ck_assert_uint_eq(got->id, want->id);
	ck_assert_uint_eq(got->handler, want->handler);
	ck_assert_int_eq(got->command, want->command);
	ck_assert_uint_eq(got->root, want->root);
	ck_assert_int_eq(got->attempt, want->attempt);
	ck_assert_int_eq(got->max_attempts, want->max_attempts);
	ck_assert_int_eq(got->size, want->size);
	ck_assert_str_eq(got->path, or_empty(want->path));
	ck_assert_str_eq(got->old_path, or_empty(want->old_path));
	ck_assert_str_eq(got->event, or_empty(want->event));
	ck_assert_str_eq(got->event_id, or_empty(want->event_id));
	ck_assert_str_eq(got->checksum, or_empty(want->checksum));
	ck_assert_int_eq(got->pid, want->pid);
	ck_assert_int_eq(got->outcome, want->outcome);
	ck_assert_int_eq(got->code, want->code);
	ck_assert_int_eq(got->duration_us, want->duration_us);
	ck_assert_int_eq(got->max_rss_kib, want->max_rss_kib);
	ck_assert_str_eq(got->text, or_empty(want->text));
	ck_assert_uint_eq(got->seq, want->seq);
	ck_assert_uint_eq(got->fed, want->fed);
	ck_assert_uint_eq(got->starts, want->starts);
	ck_assert_uint_eq(got->deaths, want->deaths);
	ck_assert_uint_eq(got->missed, want->missed);
	ck_assert_int_eq(got->wall_ns, want->wall_ns);
	ck_assert_str_eq(got->name, or_empty(want->name));
	ck_assert_str_eq(got->state, or_empty(want->state));
	ck_assert_uint_eq(got->output_len, want->output_len);
	if (want->output_len > 0)
		ck_assert_mem_eq(got->output, want->output, want->output_len);
	ck_assert_int_eq(got->content.state, want->content.state);
	ck_assert_int_eq(got->content.size, want->content.size);
	ck_assert(got->content.ino == want->content.ino);
	ck_assert_int_eq(got->content.mtime_ns, want->content.mtime_ns);
	ck_assert_int_eq(got->content.ctime_ns, want->content.ctime_ns);
	ck_assert_int_eq(got->content.entropy, want->content.entropy);
	ck_assert_str_eq(got->content.sum, or_empty(want->content.sum));
}

/* Bytes in memory of their own size, and the one byte more that decoding needs. */
static int
decode(const void *data, size_t len, struct wire_msg *msg, char **keep)
{
	*keep = malloc(len + 1);
	memcpy(*keep, data, len);
	return wire_decode(msg, *keep, len);
}

static bool
is_refused(const void *data, size_t len)
{
	struct wire_msg msg;
	char *keep;
	errno = 0;
	bool refused = decode(data, len, &msg, &keep) == -1;
	ck_assert(!refused || errno == EBADMSG);
	free(keep);
	return refused;
}

START_TEST(every_message_comes_out_as_it_went_in)
{
	static unsigned char out[WIRE_MAX];
	ck_assert_uint_eq(COUNTOF(messages), WIRE_TYPE_MAX - 1);
	for (size_t i = 0; i < COUNTOF(messages); i++) {
		struct wire_msg got;
		char *keep;
		int n = wire_encode(&messages[i], out, sizeof(out));
		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(decode(out, (size_t)n, &got, &keep), 0);
		expect_same(&got, &messages[i]);
		free(keep);
	}
}
END_TEST

START_TEST(a_message_cut_or_prolonged_anywhere_is_refused)
{
	static unsigned char out[WIRE_MAX];
	for (size_t i = 0; i < COUNTOF(messages); i++) {
		int n = wire_encode(&messages[i], out, sizeof(out));
		for (int len = 0; len < n; len++)
			ck_assert_msg(
			    is_refused(out, (size_t)len), "%zu cut to %d", i, len);
		out[n] = 0;
		ck_assert_msg(is_refused(out, (size_t)n + 1), "%zu and a byte", i);
	}
}
END_TEST

START_TEST(a_message_does_not_fit_where_there_is_no_room)
{
	unsigned char out[1000];
	for (size_t i = 0; i < COUNTOF(messages); i++) {
		int n = wire_encode(&messages[i], out, sizeof(out));
		for (int size = 0; size < n; size++) {
			/* Of its own size, so that a sanitizer sees a write past the end.
			 */
			void *small = malloc((size_t)size + (size == 0));
			ck_assert_int_eq(
			    wire_encode(&messages[i], small, (size_t)size), -1);
			ck_assert_int_eq(errno, EMSGSIZE);
			free(small);
		}
	}
}
END_TEST

START_TEST(what_no_sender_would_say_is_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "\0\0\0\0", 4 },
		{ "\x7f\0\0\0", 4 },
		{ "\x02\0\0\x80", 4 },
		{ "\x03\0\0\0\x02\0\0\0a\0", 10 }, /* a NUL in a string */
		{ "\x03\0\0\0\xff\xff\xff\xff"
		  "abcd",
		    12 }, /* a length past the end */
		{ "\x03\0\0\0\x01\0\0\0", 8 },
	};
	for (size_t i = 0; i < COUNTOF(bad); i++)
		ck_assert_msg(is_refused(bad[i].bytes, bad[i].len), "%zu", i);
	ck_assert(!is_refused("\x03\0\0\0\x01\0\0\0a", 9));
}
END_TEST

START_TEST(a_command_or_outcome_out_of_range_is_refused)
{
	unsigned char out[1000];
	struct wire_msg run = messages[0], ended = messages[6];
	for (uint32_t v = 0; v < 100; v++) {
		run.command = v;
		int n = wire_encode(&run, out, sizeof(out));
		ck_assert_int_eq(is_refused(out, (size_t)n), v >= WIRE_COMMAND_MAX);
		ended.outcome = v;
		n = wire_encode(&ended, out, sizeof(out));
		ck_assert_int_eq(is_refused(out, (size_t)n), v >= WIRE_OUTCOME_MAX);
	}
}
END_TEST

START_TEST(of_a_long_output_the_end_is_sent)
{
	static unsigned char out[WIRE_MAX];
	static char text[3 * WIRE_OUTPUT_MAX];
	struct wire_msg got,
	    msg = { .type = WIRE_ENDED, .output = text, .output_len = sizeof(text) };
	char *keep;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31 >> 3);
	int n = wire_encode(&msg, out, sizeof(out));
	ck_assert_int_eq(decode(out, (size_t)n, &got, &keep), 0);
	ck_assert_uint_eq(got.output_len, WIRE_OUTPUT_MAX);
	ck_assert_mem_eq(got.output, text + 2 * WIRE_OUTPUT_MAX, WIRE_OUTPUT_MAX);
	free(keep);
	/* One byte more than the bound, said by hand: the length stands before it. */
	size_t at = (size_t)n - WIRE_OUTPUT_MAX - 4;
	out[at] = (WIRE_OUTPUT_MAX + 1) & 0xff;
	out[at + 1] = (WIRE_OUTPUT_MAX + 1) >> 8;
	ck_assert(is_refused(out, (size_t)n + 1));
}
END_TEST

START_TEST(a_path_that_no_message_can_hold_is_told)
{
	static unsigned char out[2 * WIRE_MAX];
	static char path[WIRE_MAX + 1];
	struct wire_msg msg = messages[0];
	memset(path, 'p', WIRE_MAX);
	msg.path = path;
	ck_assert_int_eq(wire_encode(&msg, out, sizeof(out)), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	path[WIRE_MAX - 200] = '\0';
	ck_assert_int_gt(wire_encode(&msg, out, sizeof(out)), WIRE_MAX - 200);
}
END_TEST

/* Both ends on one loop; what the one at 1 heard. */
static struct ev_loop *loop;
static struct wire *ends[2];
static int raw[2];
static size_t heard;
static uint64_t last_id;
static char why[100];
static bool free_at_message;

static void
hear(void *ctx, const struct wire_msg *msg)
{
	ck_assert_ptr_eq(ctx, ends);
	heard++;
	last_id = msg->id;
	if (!free_at_message)
		return;
	wire_free(ends[1]);
	ends[1] = NULL;
}

static void
hear_close(void *ctx, const char *reason)
{
	ck_assert_ptr_eq(ctx, ends);
	ck_assert_str_eq(why, "");
	snprintf(why, sizeof(why), "%s", reason);
	ck_assert(!wire_send(ends[1], &messages[1]));
	wire_free(ends[1]);
	ends[1] = NULL;
}

static void
ignore(void *ctx, const struct wire_msg *msg)
{
	(void)ctx, (void)msg;
}

static void
ignore_close(void *ctx, const char *reason)
{
	(void)ctx, (void)reason;
}

static void
begin(bool both)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(wire_pair(raw), 0);
	ends[0] = both ? wire_new(loop, raw[0], ignore, ignore_close, NULL) : NULL;
	ends[1] = wire_new(loop, raw[1], hear, hear_close, ends);
}

static void
end(void)
{
	if (!ends[0])
		fd_close(&raw[0]);
	wire_free(ends[0]);
	wire_free(ends[1]);
	ev_loop_destroy(loop);
}

static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

START_TEST(a_pair_is_close_on_exec_and_does_not_block)
{
	int fds[2];
	ck_assert_int_eq(wire_pair(fds), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		close(fds[i]);
	}
}
END_TEST

START_TEST(a_burst_comes_whole_and_in_order)
{
	enum { COUNT = 20000 };
	struct wire_msg msg = messages[0];
	begin(true);
	for (uint64_t i = 1; i <= COUNT; i++) {
		msg.id = i;
		ck_assert(wire_send(ends[0], &msg));
	}
	while (heard < COUNT) {
		size_t before = heard;
		ev_run(loop, EVRUN_ONCE);
		ck_assert(heard == before || last_id == heard);
	}
	ck_assert_uint_eq(last_id, COUNT);
	ck_assert_str_eq(why, "");
	end();
}
END_TEST

START_TEST(what_may_wait_keeps_its_place)
{
	struct wire_msg msg = messages[0];
	begin(true);
	for (msg.id = 1; msg.id <= 2; msg.id++)
		ck_assert(wire_gather(ends[0], &msg));
	ck_assert(wire_send(ends[0], &msg));
	turn();
	ck_assert_uint_eq(heard, 3);
	ck_assert_uint_eq(last_id, 3);
	end();
}
END_TEST

START_TEST(what_may_wait_waits_for_a_few_or_a_moment)
{
	struct wire_msg msg = messages[0];
	begin(true);
	for (msg.id = 1; msg.id <= WIRE_GATHER; msg.id++)
		ck_assert(wire_gather(ends[0], &msg));
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(heard, WIRE_GATHER);
	ck_assert(wire_gather(ends[0], &msg));
	while (heard == WIRE_GATHER)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(last_id, WIRE_GATHER + 1);
	ck_assert(wire_gather(ends[0], &msg));
	end();
}
END_TEST

START_TEST(the_longest_message_goes_through)
{
	static char path[WIRE_MAX];
	struct wire_msg msg = messages[0];
	begin(true);
	memset(path, 'p', WIRE_MAX - 200);
	msg.path = path;
	ck_assert(wire_send(ends[0], &msg));
	turn();
	ck_assert_uint_eq(heard, 1);
	memset(path, 'p', WIRE_MAX - 1);
	ck_assert(!wire_send(ends[0], &msg));
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert(wire_send(ends[0], &messages[1]));
	turn();
	ck_assert_uint_eq(heard, 2);
	end();
}
END_TEST

START_TEST(the_queue_has_an_end)
{
	static char path[WIRE_MAX];
	struct wire_msg msg = messages[0];
	size_t sent = 0;
	begin(true);
	memset(path, 'p', WIRE_MAX - 200);
	msg.path = path;
	while (wire_send(ends[0], &msg))
		sent++;
	ck_assert_int_eq(errno, ENOBUFS);
	ck_assert_uint_ge(sent, 64 * 1024 * 1024 / WIRE_MAX);
	ck_assert_uint_lt(sent, 64 * 1024 * 1024 / WIRE_MAX + 20);
	end();
}
END_TEST

START_TEST(what_was_sent_before_the_end_is_heard_before_the_end)
{
	begin(true);
	for (int i = 0; i < 200; i++)
		ck_assert(wire_send(ends[0], &messages[5]));
	/* The queue of an end that dies dies with it. */
	wire_free(ends[0]);
	ends[0] = NULL;
	raw[0] = -1;
	turn();
	ck_assert_uint_gt(heard, 0);
	ck_assert_uint_le(heard, 200);
	ck_assert_str_eq(why, "closed by peer");
	end();
}
END_TEST

START_TEST(sending_to_the_dead_is_told_from_the_loop)
{
	begin(false);
	unsigned char out[1000];
	int n = wire_encode(&messages[5], out, sizeof(out));
	ck_assert_int_eq(send(raw[0], out, (size_t)n, 0), n);
	fd_close(&raw[0]);
	ck_assert(!wire_send(ends[1], &messages[1]));
	ck_assert_str_eq(why, "");
	turn();
	ck_assert_uint_eq(heard, 1);
	ck_assert_str_eq(why, "closed by peer");
	end();
}
END_TEST

START_TEST(a_peer_that_only_refuses_to_read_is_dead_too)
{
	begin(false);
	ck_assert_int_eq(shutdown(raw[0], SHUT_RD), 0);
	ck_assert(!wire_send(ends[1], &messages[1]));
	turn();
	ck_assert_str_eq(why, "closed by peer");
	end();
}
END_TEST

START_TEST(a_malformed_message_ends_the_connection)
{
	begin(false);
	unsigned char out[1000];
	int n = wire_encode(&messages[5], out, sizeof(out));
	ck_assert_int_eq(send(raw[0], out, (size_t)n - 1, 0), n - 1);
	ck_assert_int_eq(send(raw[0], out, (size_t)n, 0), n);
	turn();
	ck_assert_uint_eq(heard, 0);
	ck_assert_str_eq(why, "a malformed message came");
	end();
}
END_TEST

START_TEST(a_message_too_long_ends_the_connection)
{
	static char big[WIRE_MAX + 1];
	begin(false);
	ck_assert_int_eq(send(raw[0], big, sizeof(big), 0), (int)sizeof(big));
	turn();
	ck_assert_str_eq(why, "a message came that is too long");
	end();
}
END_TEST

START_TEST(a_wire_can_be_freed_by_what_it_tells)
{
	begin(true);
	free_at_message = true;
	ck_assert(wire_send(ends[0], &messages[5]));
	ck_assert(wire_send(ends[0], &messages[5]));
	turn();
	ck_assert_uint_eq(heard, 1);
	ck_assert_ptr_null(ends[1]);
	end();
}
END_TEST

UNIT_MAIN("wire", every_message_comes_out_as_it_went_in,
    a_message_cut_or_prolonged_anywhere_is_refused,
    a_message_does_not_fit_where_there_is_no_room, what_no_sender_would_say_is_refused,
    a_command_or_outcome_out_of_range_is_refused, of_a_long_output_the_end_is_sent,
    a_path_that_no_message_can_hold_is_told, a_pair_is_close_on_exec_and_does_not_block,
    a_burst_comes_whole_and_in_order, what_may_wait_keeps_its_place,
    what_may_wait_waits_for_a_few_or_a_moment, the_longest_message_goes_through,
    the_queue_has_an_end, what_was_sent_before_the_end_is_heard_before_the_end,
    sending_to_the_dead_is_told_from_the_loop,
    a_peer_that_only_refuses_to_read_is_dead_too, a_malformed_message_ends_the_connection,
    a_message_too_long_ends_the_connection, a_wire_can_be_freed_by_what_it_tells)
