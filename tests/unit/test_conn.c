/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "unit.h"

/* One connection, its peer's descriptor, and what was heard from it. */
static struct ev_loop *loop;
static struct conn *conn;
static int peer;
static struct buf lines; /* each with a '|' after it */
static struct buf why;	 /* each on_close, with a '|' after it */
static void (*answer)(struct conn *, const char *line);

static void
hear_line(struct conn *c, void *ctx, char *line, size_t len)
{
	ck_assert_ptr_eq(ctx, &lines);
	ck_assert_ptr_eq(conn_ctx(c), ctx);
	ck_assert_int_eq(line[len], '\0');
	buf_add(&lines, line, len);
	buf_addc(&lines, '|');
	if (answer)
		answer(c, line);
}

static void
hear_close(struct conn *c, void *ctx, const char *reason)
{
	ck_assert_ptr_eq(ctx, &lines);
	ck_assert(!conn_send(c, "too late", 8));
	conn_finish(c);
	conn_set_idle(c, 1);
	conn_free(c); /* harmless: it is being freed */
	buf_adds(&why, reason);
	buf_addc(&why, '|');
	conn = NULL;
}

static void
begin(size_t max_in, size_t max_out, int64_t idle_ms)
{
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	loop = ev_loop_new(EVFLAG_AUTO);
	const struct conn_options opt = { .max_in = max_in,
		.max_out = max_out,
		.idle_ms = idle_ms,
		.on_line = hear_line,
		.on_close = hear_close,
		.ctx = &lines };
	conn = conn_new(loop, fds[0], &opt);
	peer = fds[1];
	ck_assert_int_eq(fd_nonblock(peer), 0);
	ck_assert(fcntl(conn_fd(conn), F_GETFL) & O_NONBLOCK);
	buf_adds(&lines, "");
	buf_adds(&why, "");
}

static void
end(void)
{
	conn_free(conn);
	fd_close(&peer);
	buf_release(&lines);
	buf_release(&why);
	ev_loop_destroy(loop);
}

static void
say(const char *text)
{
	ck_assert_int_eq(fd_write_all(peer, text, strlen(text)), 0);
}

/* Everything that can be done now. */
static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
expect_from_conn(const char *want)
{
	char got[1000] = "";
	ssize_t n = read(peer, got, sizeof(got) - 1);
	ck_assert_msg(n >= 0, "read: %s", strerror(errno));
	ck_assert_str_eq(got, want);
}

static void
echo(struct conn *c, const char *line)
{
	ck_assert(conn_send(c, line, strlen(line)));
}

static void
finish_at_quit(struct conn *c, const char *line)
{
	if (strcmp(line, "quit") != 0)
		return;
	ck_assert(conn_send(c, "bye", 3));
	conn_finish(c);
	conn_finish(c);
}

START_TEST(lines_come_one_by_one_however_they_were_cut)
{
	static const char text[] = "one\n\nthree\nfo";
	begin(100, 100, 0);
	for (const char *p = text; *p; p++) {
		say((char[]){ *p, '\0' });
		turn();
	}
	ck_assert_str_eq(lines.p, "one||three|");
	say("ur\nfive\n");
	turn();
	ck_assert_str_eq(lines.p, "one||three|four|five|");
	ck_assert_str_eq(why.p, "");
	end();
}
END_TEST

START_TEST(what_is_sent_before_the_loop_runs_is_with_the_peer_at_once)
{
	begin(100, 100, 0);
	ck_assert(conn_send(conn, "hello", 5));
	ck_assert(conn_send(conn, "", 0));
	expect_from_conn("hello\n\n");
	end();
}
END_TEST

START_TEST(an_answer_can_be_given_from_within)
{
	begin(100, 1000, 0);
	answer = echo;
	say("a\nb\n");
	turn();
	expect_from_conn("a\nb\n");
	end();
}
END_TEST

START_TEST(a_line_may_be_as_long_as_the_bound_and_no_longer)
{
	begin(10, 100, 0);
	say("0123456789\n");
	turn();
	ck_assert_str_eq(lines.p, "0123456789|");
	say("0123456789a\nx\n");
	turn();
	ck_assert_str_eq(lines.p, "0123456789|");
	ck_assert_str_eq(why.p, "line too long|");
	expect_from_conn("");
	end();
}
END_TEST

START_TEST(a_line_without_end_is_not_kept_for_ever)
{
	static char text[100001];
	begin(20000, 100, 0);
	memset(text, 'x', sizeof(text) - 1);
	ck_assert_int_gt(write(peer, text, sizeof(text) - 1), 20000);
	turn();
	ck_assert_str_eq(why.p, "line too long|");
	ck_assert_str_eq(lines.p, "");
	end();
}
END_TEST

START_TEST(the_peers_end_is_told_once)
{
	begin(100, 100, 0);
	say("a\nhalf");
	fd_close(&peer);
	turn();
	ck_assert_str_eq(lines.p, "a|");
	ck_assert_str_eq(why.p, "closed by peer|");
	ck_assert_ptr_null(conn);
	end();
}
END_TEST

START_TEST(a_peer_that_closed_its_sending_side_still_gets_its_answer)
{
	begin(100, 1 << 20, 0);
	static char big[600000];
	memset(big, 'x', sizeof(big));
	ck_assert(conn_send(conn, big, sizeof(big)));
	shutdown(peer, SHUT_WR);
	turn();
	ck_assert_str_eq(why.p, "");
	size_t got = 0;
	for (ssize_t n; why.len == 0 || got < sizeof(big) + 1; turn()) {
		while ((n = read(peer, big, sizeof(big))) > 0)
			got += (size_t)n;
	}
	ck_assert_uint_eq(got, sizeof(big) + 1);
	ck_assert_str_eq(why.p, "finished|");
	end();
}
END_TEST

START_TEST(finish_from_within_takes_no_more_lines_and_sends_the_rest)
{
	begin(100, 100, 0);
	answer = finish_at_quit;
	say("a\nquit\nb\nc\n");
	turn();
	ck_assert_str_eq(lines.p, "a|quit|");
	ck_assert_str_eq(why.p, "finished|");
	expect_from_conn("bye\n");
	expect_from_conn(""); /* the end, and not ECONNRESET */
	end();
}
END_TEST

static void
finish_with_much_to_send(struct conn *c, const char *line)
{
	static char big[600000];
	(void)line;
	memset(big, 'x', sizeof(big));
	ck_assert(conn_send(c, big, sizeof(big)));
	conn_finish(c);
}

START_TEST(finish_with_much_to_send_takes_no_more_lines_either)
{
	begin(100, 1 << 20, 0);
	answer = finish_with_much_to_send;
	say("a\nb\n");
	turn();
	say("c\n");
	turn();
	ck_assert_str_eq(lines.p, "a|");
	ck_assert_str_eq(why.p, "");
	end();
}
END_TEST

START_TEST(finish_from_outside_never_closes_at_once)
{
	begin(100, 100, 0);
	ck_assert(conn_send(conn, "bye", 3));
	conn_finish(conn);
	ck_assert_str_eq(why.p, "");
	say("unread\n");
	turn();
	ck_assert_str_eq(lines.p, "");
	ck_assert_str_eq(why.p, "finished|");
	expect_from_conn("bye\n");
	expect_from_conn("");
	end();
}
END_TEST

START_TEST(what_is_sent_is_whole_and_in_order)
{
	enum { COUNT = 20000 };
	begin(100, 10 << 20, 0);
	struct buf want = BUF_INIT, got = BUF_INIT;
	for (int i = 0; i < COUNT; i++) {
		char line[64];
		int n = snprintf(line, sizeof(line), "line %d of many more than fit", i);
		ck_assert(conn_send(conn, line, (size_t)n));
		buf_add(&want, line, (size_t)n);
		buf_addc(&want, '\n');
	}
	while (got.len < want.len) {
		char chunk[10000];
		ssize_t n = read(peer, chunk, 1 + (size_t)(got.len % sizeof(chunk)));
		if (n > 0)
			buf_add(&got, chunk, (size_t)n);
		else
			ck_assert_int_eq(errno, EAGAIN);
		ev_run(loop, EVRUN_NOWAIT);
	}
	ck_assert_uint_eq(got.len, want.len);
	ck_assert(memcmp(got.p, want.p, want.len) == 0);
	buf_release(&want);
	buf_release(&got);
	end();
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_closed)
{
	static char text[10000];
	int sent = 0;
	begin(100, 50000, 0);
	memset(text, 'x', sizeof(text));
	while (conn_send(conn, text, sizeof(text)))
		ck_assert_int_lt(sent++, 1000);
	ck_assert_int_gt(sent, 4);
	ck_assert_str_eq(why.p, ""); /* only from the loop */
	ck_assert(!conn_send(conn, "x", 1));
	turn();
	ck_assert_str_eq(why.p, "peer does not read|");
	end();
}
END_TEST

static void
answer_at_length(struct conn *c, const char *line)
{
	static char text[20000];

	(void)line;
	memset(text, 'x', sizeof(text));
	ck_assert(conn_send(c, text, sizeof(text)));
}

/* Bytes that the peer gets until nothing more comes. */
static size_t
read_all(void)
{
	char chunk[65536];
	size_t got = 0;
	ssize_t n;

	for (int quiet = 0; quiet < 3; quiet++) {
		while ((n = read(peer, chunk, sizeof(chunk))) > 0) {
			got += (size_t)n;
			quiet = 0;
		}
		turn();
	}
	return got;
}

START_TEST(of_a_peer_that_does_not_read_no_more_lines_are_taken)
{
	char text[500 * 2 + 1] = "";

	for (size_t i = 0; i < 500; i++)
		memcpy(text + 2 * i, "l\n", 3);
	begin(100, 100 * 1000 * 1000, 0);
	answer = answer_at_length;
	say(text);
	turn();
	ck_assert_uint_gt(lines.len, 0);
	ck_assert_uint_lt(lines.len, 500 * 2);
	ck_assert_uint_eq(read_all(), 500 * 20001);
	ck_assert_uint_eq(lines.len, 500 * 2);
	ck_assert_str_eq(why.p, "");
	answer = NULL;
	end();
}
END_TEST

START_TEST(a_text_longer_than_the_bound_is_fine_if_the_peer_takes_it)
{
	static char text[20000];
	begin(100, 100, 0);
	memset(text, 'x', sizeof(text));
	ck_assert(conn_send(conn, text, sizeof(text)));
	end();
}
END_TEST

START_TEST(sending_to_a_peer_that_is_gone_closes)
{
	begin(100, 100, 0);
	fd_close(&peer);
	ck_assert(!conn_send(conn, "a", 1));
	ck_assert_str_eq(why.p, "");
	turn();
	ck_assert_str_eq(why.p, "closed by peer|");
	end();
}
END_TEST

START_TEST(an_idle_peer_is_closed)
{
	begin(100, 100, 20);
	while (why.len == 0)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_str_eq(why.p, "idle|");
	end();
}
END_TEST

static void
note_time(struct ev_loop *l, struct ev_timer *w, int events)
{
	(void)l, (void)events;
	*(bool *)w->data = true;
}

START_TEST(a_peer_that_waits_is_not_idle)
{
	bool over = false;
	struct ev_timer later; /* when the idle one would long have been due */
	begin(100, 100, 1);
	conn_set_idle(conn, 0);
	ev_timer_init(&later, note_time, 0.03, 0.);
	later.data = &over;
	ev_timer_start(loop, &later);
	while (!over)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_str_eq(why.p, "");
	conn_set_idle(conn, 1);
	while (why.len == 0)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_str_eq(why.p, "idle|");
	end();
}
END_TEST

UNIT_MAIN("conn", lines_come_one_by_one_however_they_were_cut,
    what_is_sent_before_the_loop_runs_is_with_the_peer_at_once,
    an_answer_can_be_given_from_within, a_line_may_be_as_long_as_the_bound_and_no_longer,
    a_line_without_end_is_not_kept_for_ever, the_peers_end_is_told_once,
    a_peer_that_closed_its_sending_side_still_gets_its_answer,
    finish_from_within_takes_no_more_lines_and_sends_the_rest,
    finish_with_much_to_send_takes_no_more_lines_either,
    of_a_peer_that_does_not_read_no_more_lines_are_taken,
    finish_from_outside_never_closes_at_once, what_is_sent_is_whole_and_in_order,
    a_peer_that_does_not_read_is_closed,
    a_text_longer_than_the_bound_is_fine_if_the_peer_takes_it,
    sending_to_a_peer_that_is_gone_closes, an_idle_peer_is_closed,
    a_peer_that_waits_is_not_idle)
