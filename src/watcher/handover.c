/* SPDX-License-Identifier: ISC */
#include "watcher/handover.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* Another number for another form. */
#define MAGIC UINT64_C(0x31766f646e616866)

struct head {
	uint64_t magic;
	struct handover_key key;
	uint64_t pieces;
	uint64_t len[HANDOVER_ROOTS]; /* of each piece; they follow without a gap */
};

void
handover_close(struct handover *h)
{
	fd_close(&h->table);
	while (h->n_watches > 0)
		fd_close(&h->watches[--h->n_watches]);
}

int
handover_send(int socket, const struct handover *h)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(HANDOVER_FDS * sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	size_t len = (1 + h->n_watches) * sizeof(int);
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(len) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(&control.head), &h->table, sizeof(int));
	memcpy(CMSG_DATA(&control.head) + sizeof(int), h->watches, len - sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

/* The kernel puts in one more than asked for where the room for it is rounded up. */
static void
take_fds(struct msghdr *msg, struct handover *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n;
	int fd;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (i == 0)
			h->table = fd;
		else if (h->n_watches < HANDOVER_ROOTS)
			h->watches[h->n_watches++] = fd;
		else if (close(fd) == 0)
			msg->msg_flags |= MSG_CTRUNC;
	}
}

int
handover_receive(int socket, struct handover *h)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(HANDOVER_FDS * sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	*h = HANDOVER_NONE;
	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	take_fds(&msg, h);
	if (h->table != -1 && !(msg.msg_flags & MSG_CTRUNC))
		return 0;
	handover_close(h);
	return -1;
}

void
handover_pack(struct buf *out, const struct handover_key *key,
    const struct handover_piece *pieces, size_t n)
{
	struct head head = { .magic = MAGIC, .key = *key, .pieces = n };

	for (size_t i = 0; i < n; i++)
		head.len[i] = pieces[i].len;
	buf_add(out, &head, sizeof(head));
	for (size_t i = 0; i < n; i++)
		buf_add(out, pieces[i].data, pieces[i].len);
}

static const char *
differs(const struct head *head, const struct handover_key *key, size_t n)
{
	if (head->magic != MAGIC)
		return "it is of another version";
	if (head->key.config != key->config || head->pieces != n)
		return "the configuration is another one";
	if (head->key.rules != key->rules)
		return "what is ignored by default is other";
	return head->key.seq != key->seq ? "the state is another one" : NULL;
}

const char *
handover_unpack(const struct handover_piece *data, const struct handover_key *key,
    struct handover_piece *pieces, size_t n)
{
	struct head head;
	size_t at = sizeof(head);
	const char *why;

	if (data->len < sizeof(head))
		return "it is cut off";
	memcpy(&head, data->data, sizeof(head));
	if ((why = differs(&head, key, n)) != NULL)
		return why;
	for (size_t i = 0; i < n && i < HANDOVER_ROOTS; i++) {
		if (head.len[i] > data->len - at)
			return "it is cut off";
		pieces[i] =
		    (struct handover_piece){ (char *)data->data + at, head.len[i] };
		at += head.len[i];
	}
	return at == data->len ? NULL : "there is more than it says";
}

int64_t
handover_rescan_due(const struct handover_piece *data)
{
	struct head head;

	memcpy(&head, data->data, sizeof(head));
	return head.key.rescan_due_ms;
}
