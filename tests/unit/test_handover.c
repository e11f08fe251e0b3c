/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "watcher/handover.h"

static const struct handover_key key = { 1, 2, 3, 4711 };

static struct buf
packed(void)
{
	char one[] = "one", three[] = "three";
	struct handover_piece pieces[] = { { one, 3 }, { NULL, 0 }, { three, 5 } };
	struct buf out = BUF_INIT;

	handover_pack(&out, &key, pieces, 3);
	return out;
}

static const char *
refusal(const struct buf *text, size_t len, const struct handover_key *of, size_t n)
{
	struct handover_piece pieces[HANDOVER_ROOTS];

	return handover_unpack(&(struct handover_piece){ text->p, len }, of, pieces, n);
}

START_TEST(what_was_packed_is_there)
{
	struct buf text = packed();
	struct handover_piece pieces[3];

	ck_assert_ptr_null(handover_unpack(
	    &(struct handover_piece){ text.p, text.len }, &key, pieces, 3));
	ck_assert_int_eq(
	    handover_rescan_due(&(struct handover_piece){ text.p, text.len }), 4711);
	ck_assert_uint_eq(pieces[0].len, 3);
	ck_assert_mem_eq(pieces[0].data, "one", 3);
	ck_assert_uint_eq(pieces[1].len, 0);
	ck_assert_uint_eq(pieces[2].len, 5);
	ck_assert_mem_eq(pieces[2].data, "three", 5);
	buf_release(&text);
}
END_TEST

START_TEST(what_is_cut_off_or_too_long_is_refused)
{
	struct buf text = packed();

	for (size_t len = 0; len < text.len; len++)
		ck_assert_ptr_nonnull(refusal(&text, len, &key, 3));
	buf_addc(&text, 0);
	ck_assert_ptr_nonnull(refusal(&text, text.len, &key, 3));
	buf_release(&text);
}
END_TEST

START_TEST(another_version_configuration_rule_or_state_is_refused)
{
	const struct handover_key other[] = { { 9, 2, 3, 0 }, { 1, 9, 3, 0 },
		{ 1, 2, 9, 0 } };
	struct buf text = packed();

	for (size_t i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(refusal(&text, text.len, &other[i], 3));
	ck_assert_ptr_nonnull(refusal(&text, text.len, &key, 2));
	ck_assert_ptr_nonnull(refusal(&text, text.len, &key, 4));
	text.p[0]++;
	ck_assert_ptr_nonnull(refusal(&text, text.len, &key, 3));
	buf_release(&text);
}
END_TEST

START_TEST(a_length_beyond_the_end_is_refused)
{
	struct buf text = packed();
	uint64_t huge = UINT64_MAX - 2;

	memcpy(text.p + 6 * 8, &huge, sizeof(huge));
	ck_assert_str_eq(refusal(&text, text.len, &key, 3), "it is cut off");
	buf_release(&text);
}
END_TEST

START_TEST(descriptors_go_over_a_socket)
{
	struct handover out = HANDOVER_NONE, in;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(handover_receive(pair[0], &in), -1); /* and does not wait */
	ck_assert_int_eq(in.table, -1);
	out.table = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (out.n_watches < HANDOVER_ROOTS)
		out.watches[out.n_watches++] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(handover_send(pair[1], &out), 0);
	handover_close(&out);
	ck_assert_int_eq(handover_receive(pair[0], &in), 0);
	ck_assert_uint_eq(in.n_watches, HANDOVER_ROOTS);
	ck_assert_int_eq(fcntl(in.table, F_GETFD), FD_CLOEXEC);
	for (size_t i = 0; i < in.n_watches; i++)
		ck_assert_int_eq(fcntl(in.watches[i], F_GETFD), FD_CLOEXEC);
	handover_close(&in);
	ck_assert_uint_eq(in.n_watches, 0);
	ck_assert_int_eq(in.table, -1);
	close(pair[1]);
	ck_assert_int_eq(handover_receive(pair[0], &in), -1);
	close(pair[0]);
}
END_TEST

/* The kernel rounds the room for descriptors up. */
START_TEST(more_descriptors_than_there_is_room_for_are_refused)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE((HANDOVER_FDS + 1) * sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct handover in;
	int pair[2], fds[HANDOVER_FDS + 1];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i <= HANDOVER_FDS; i++)
		fds[i] = pair[1];
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	ck_assert_int_eq(sendmsg(pair[1], &msg, 0), 1);
	ck_assert_int_eq(handover_receive(pair[0], &in), -1);
	ck_assert_uint_eq(in.n_watches, 0);
	ck_assert_int_eq(in.table, -1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

UNIT_MAIN("handover", what_was_packed_is_there, what_is_cut_off_or_too_long_is_refused,
    another_version_configuration_rule_or_state_is_refused,
    a_length_beyond_the_end_is_refused, descriptors_go_over_a_socket,
    more_descriptors_than_there_is_room_for_are_refused)
