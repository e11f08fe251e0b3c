/* SPDX-License-Identifier: ISC */
#include "watcher/handover.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

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
	struct cmsghdr *c;
	size_t len;

	*h = HANDOVER_NONE;
	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c == NULL || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len < CMSG_LEN(sizeof(int)))
		return -1;
	len = c->cmsg_len - CMSG_LEN(0);
	memcpy(&h->table, CMSG_DATA(c), sizeof(int));
	memcpy(h->watches, CMSG_DATA(c) + sizeof(int), len - sizeof(int));
	h->n_watches = len / sizeof(int) - 1;
	return 0;
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
