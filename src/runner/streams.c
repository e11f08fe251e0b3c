/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"

#define READ_MAX (64 * 1024)
#define READS_AT_ONCE 16 /* of what a grandchild may print without end */

static char read_buf[READ_MAX];
static struct pipes spare = { { { -1, -1 }, { -1, -1 } } };

static int
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

void
pipes_make_spare(void)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (spare.fds[i][0] == -1)
			make_pipe(spare.fds[i]);
	}
}

static int
take_pipe(int i, int fds[2])
{
	if (spare.fds[i][0] == -1)
		return make_pipe(fds);
	memcpy(fds, spare.fds[i], sizeof(spare.fds[i]));
	spare.fds[i][0] = spare.fds[i][1] = -1;
	return 0;
}

int
pipes_open(struct pipes *pipes, enum output_stream from)
{
	for (int i = (int)from; i < OUTPUT_STREAMS; i++) {
		if (take_pipe(i, pipes->fds[i]) == -1)
			return -1;
	}
	return 0;
}

void
pipes_close(struct pipes *pipes)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		fd_close(&pipes->fds[i][0]);
		fd_close(&pipes->fds[i][1]);
	}
}

static void
close_stream(struct streams *streams, struct ev_io *io)
{
	if (io->fd == -1)
		return;
	ev_io_stop(streams->loop, io);
	close(io->fd);
	ev_io_set(io, -1, EV_READ);
}

/* false where nothing more is to be read now; the end of it is seen to. */
static bool
read_output(struct stream *stream)
{
	struct streams *streams = stream->of;
	ssize_t n = read(stream->io.fd, read_buf, sizeof(read_buf));
	if (n > 0)
		output_add(streams->output, (enum output_stream)(stream - streams->v),
		    read_buf, (size_t)n, clk_mono_ms());
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_stream(streams, &stream->io);
	return n > 0;
}

static void
on_output(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop, (void)events;
	struct stream *stream = io->data;
	read_output(stream);
	if (io->fd == -1)
		stream->of->ended(stream->of->ctx);
}

void
streams_init(struct streams *streams, struct ev_loop *loop, struct output *output,
    void (*ended)(void *ctx), void *ctx)
{
	streams->loop = loop;
	streams->output = output;
	streams->ended = ended;
	streams->ctx = ctx;
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		streams->v[i].of = streams;
		ev_io_init(&streams->v[i].io, on_output, -1, EV_READ);
		streams->v[i].io.data = &streams->v[i];
	}
}

void
streams_take(struct streams *streams, struct pipes *pipes)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		ev_io_set(&streams->v[i].io, pipes->fds[i][0], EV_READ);
		pipes->fds[i][0] = -1;
	}
}

void
streams_start(struct streams *streams)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (streams->v[i].io.fd != -1)
			ev_io_start(streams->loop, &streams->v[i].io);
	}
}

void
streams_read_rest(struct streams *streams)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		for (int n = 0; n < READS_AT_ONCE && streams->v[i].io.fd != -1; n++) {
			if (!read_output(&streams->v[i]))
				break;
		}
	}
	streams_start(streams);
}

bool
streams_are_open(const struct streams *streams)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		if (streams->v[i].io.fd != -1)
			return true;
	}
	return false;
}

void
streams_close(struct streams *streams)
{
	for (int i = 0; i < OUTPUT_STREAMS; i++)
		close_stream(streams, &streams->v[i].io);
}
