/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/feeder.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "descriptors.h"
#include "eventlog/name.h"
#include "unit.h"

#define LONG_S 45.

static char dir[64];
static struct ev_loop *loop;
static struct feeder *feeder;
static struct ev_timer guard;
static struct ev_io reader;
static int out_fd; /* the reading end */
static size_t lines, wanted;
static int refused;

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("it was not fed");
}

static void
on_looked(void *ctx)
{
	(void)ctx;
}

static void
on_refused(void *ctx)
{
	(void)ctx;
	refused++;
}

static void
on_read(struct ev_loop *l, struct ev_io *io, int events)
{
	(void)events;
	char block[4096];
	ssize_t n = read(io->fd, block, sizeof(block));
	for (ssize_t i = 0; i < n; i++)
		lines += block[i] == '\n';
	if (lines >= wanted)
		ev_break(l, EVBREAK_ALL);
}

static void
set_up(uint64_t seq)
{
	const struct feeder_hooks hooks = { on_looked, on_refused, NULL };
	int ends[2];
	snprintf(dir, sizeof(dir), "/tmp/test_feeder.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	signal(SIGPIPE, SIG_IGN);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	loop = ev_loop_new(0);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	out_fd = ends[0];
	ev_io_init(&reader, on_read, out_fd, EV_READ);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
	lines = 0;
	refused = 0;
	const struct feeder_spec spec = { "sink x", dir, 1000, 1000 };
	feeder = feeder_new(loop, NULL, &spec, &hooks);
	feeder_open(feeder, ends[1], seq);
}

static void
tear_down(void)
{
	char command[128];
	feeder_free(feeder);
	ev_loop_destroy(loop);
	close(out_fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
write_records(uint64_t segment, uint64_t from, uint64_t to)
{
	char name[NAME_SIZE], path[128];
	name_format(segment, FORM_PLAIN, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	for (uint64_t seq = from; seq <= to; seq++)
		dprintf(
		    fd, "{\"v\":1,\"seq\":%llu,\"id\":\"x\"}\n", (unsigned long long)seq);
	close(fd);
}

/* Reads until there were so many lines. */
static void
read_lines(size_t n)
{
	wanted = n;
	ev_io_start(loop, &reader);
	ev_run(loop, 0);
	ev_io_stop(loop, &reader);
	ck_assert_uint_eq(lines, n);
}

START_TEST(what_is_there_is_fed_and_then_what_comes)
{
	set_up(3);
	write_records(1, 1, 10);
	feeder_log(feeder, 10);
	read_lines(7);
	write_records(1, 11, 12);
	feeder_log(feeder, 12);
	read_lines(9);
	ck_assert_uint_eq(feeder_fed(feeder), 12);
	ck_assert_uint_eq(feeder_taken(feeder), 12);
	tear_down();
}
END_TEST

START_TEST(a_full_pipe_is_fed_on_when_it_is_read)
{
	set_up(0);
	write_records(1, 1, 9000);
	feeder_log(feeder, 9000);
	ck_assert_uint_lt(feeder_fed(feeder), 9000);
	ck_assert_uint_eq(feeder_taken(feeder), 0);
	read_lines(9000);
	ck_assert_uint_eq(feeder_taken(feeder), 9000);
	tear_down();
}
END_TEST

/* No record comes after it that would have it looked at. */
START_TEST(a_log_that_cannot_be_read_is_looked_at_again)
{
	set_up(0);
	write_records(1, 1, 10);
	leave_descriptors(0);
	feeder_log(feeder, 10);
	give_descriptors();
	ck_assert_str_eq(feeder_error(feeder), "event log: Too many open files");
	read_lines(10);
	ck_assert_str_eq(feeder_error(feeder), "");
	tear_down();
}
END_TEST

START_TEST(that_nobody_reads_is_told)
{
	set_up(0);
	write_records(1, 1, 10);
	close(out_fd);
	out_fd = -1;
	feeder_log(feeder, 10);
	ck_assert_int_eq(refused, 1);
	tear_down();
}
END_TEST

START_TEST(one_that_is_closed_is_fed_nothing)
{
	set_up(0);
	write_records(1, 1, 10);
	feeder_close(feeder);
	feeder_close(feeder);
	ck_assert(!feeder_is_open(feeder));
	feeder_log(feeder, 10);
	ck_assert_int_eq(refused, 0);
	ck_assert_uint_eq(feeder_fed(feeder), 0);
	tear_down();
}
END_TEST

UNIT_MAIN("feeder", what_is_there_is_fed_and_then_what_comes,
    a_full_pipe_is_fed_on_when_it_is_read, a_log_that_cannot_be_read_is_looked_at_again,
    that_nobody_reads_is_told, one_that_is_closed_is_fed_nothing)
