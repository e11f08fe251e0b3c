/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "runner/hasher.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "later.h"
#include "runner/jobs.h"
#include "runner/leftovers.h"
#include "unit.h"

#define LONG_S 45.
#define ANSWERS_MAX 1024

static struct ev_loop *loop;
static struct jobs *jobs;
static struct hasher *hasher;
static char dir[] = "/tmp/filemon-hasher.XXXXXX";
static struct ev_timer guard;
static size_t answers;
static struct {
	uint64_t id;
	enum content_state state;
} got[ANSWERS_MAX];

static void
on_answer(void *ctx, uint64_t id, const struct content *content)
{
	(void)ctx;
	ck_assert_uint_lt(answers, ANSWERS_MAX);
	got[answers].id = id;
	got[answers++].state = content->state;
}

static void
on_long(struct ev_loop *l, struct ev_timer *timer, int events)
{
	(void)l, (void)timer, (void)events;
	ck_abort_msg("an answer did not come");
}

/* A helper that is this script; NULL: there is none. */
static void
set_up(const char *script)
{
	const struct jobs_events events = { 0 };
	const struct hasher_hooks hooks = { on_answer, NULL };
	char path[256];
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("FILEMON_LIBEXECDIR", dir, 1);
	snprintf(path, sizeof(path), "%s/filemon-hash", dir);
	if (script)
		ck_assert_int_eq(fd_write_atomic(path, script, strlen(script), 0700), 0);
	loop = ev_loop_new(0);
	jobs = jobs_new(loop, "", &events);
	hasher = hasher_new(loop, jobs, &hooks);
	ev_timer_init(&guard, on_long, LONG_S, 0.);
	ev_timer_start(loop, &guard);
}

static void
tear_down(void)
{
	char path[256];
	hasher_free(hasher);
	jobs_free(jobs);
	leftovers_end_all(5000);
	ev_loop_destroy(loop);
	snprintf(path, sizeof(path), "%s/filemon-hash", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/seen", dir);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
ask(uint64_t id)
{
	hasher_ask(hasher, &(struct content_request){ id, 1000, "/tmp", "a" });
}

static void
wait_for_answers(size_t n)
{
	while (answers < n)
		ev_run(loop, EVRUN_ONCE);
}

#define HELPER(on_request) \
	"#!/bin/sh\n" \
	"while read -r id rest; do\n" on_request "\n" \
	"echo \"$id no-file 0 0 0 0 -1 -\"\ndone\n"

START_TEST(all_are_answered_in_order)
{
	set_up(HELPER(""));
	for (uint64_t id = 1; id <= 100; id++)
		ask(id);
	wait_for_answers(100);
	for (uint64_t id = 1; id <= 100; id++)
		ck_assert(got[id - 1].id == id && got[id - 1].state == CONTENT_NO_FILE);
	tear_down();
}
END_TEST

START_TEST(too_many_are_refused)
{
	size_t refused = 0;
	set_up(HELPER(""));
	for (uint64_t id = 1; id <= 300; id++)
		ask(id);
	ck_assert_uint_eq(answers, 300 - 256);
	wait_for_answers(300);
	for (size_t i = 0; i < answers; i++)
		refused += got[i].state == CONTENT_UNAVAILABLE;
	ck_assert_uint_eq(refused, 300 - 256);
	tear_down();
}
END_TEST

/* Answers that were under way may be lost with it, but no question behind. */
START_TEST(a_death_costs_nothing_behind_it)
{
	set_up(HELPER("[ $id != 3 ] || kill -9 $$"));
	for (uint64_t id = 1; id <= 40; id++)
		ask(id);
	wait_for_answers(40);
	for (uint64_t id = 1; id <= 40; id++) {
		ck_assert(got[id - 1].id == id);
		if (id >= 3)
			ck_assert_int_eq(got[id - 1].state,
			    id == 3 ? CONTENT_CRASHED : CONTENT_NO_FILE);
	}
	tear_down();
}
END_TEST

START_TEST(nonsense_is_as_a_death)
{
	set_up(HELPER("[ $id != 2 ] || id=7"));
	for (uint64_t id = 1; id <= 3; id++)
		ask(id);
	wait_for_answers(3);
	ck_assert_int_eq(got[0].state, CONTENT_NO_FILE);
	ck_assert_int_eq(got[1].state, CONTENT_CRASHED);
	ck_assert_int_eq(got[2].state, CONTENT_NO_FILE);
	tear_down();
}
END_TEST

/* It is not given up: not even where it is stopped before it could be started again. */
START_TEST(one_that_was_ended_for_nonsense_is_asked_again)
{
	set_up(HELPER("[ $id != 1 ] || id=7"));
	ask(1);
	wait_for_answers(1);
	ck_assert_int_eq(got[0].state, CONTENT_CRASHED);
	ask(2);
	wait_for_answers(2);
	ck_assert_int_eq(got[1].state, CONTENT_NO_FILE);
	tear_down();
}
END_TEST

START_TEST(without_a_helper_there_is_an_answer)
{
	set_up(NULL);
	ask(1);
	ask(2);
	wait_for_answers(2);
	ck_assert_int_eq(got[0].state, CONTENT_UNAVAILABLE);
	ck_assert_int_eq(got[1].state, CONTENT_UNAVAILABLE);
	tear_down();
}
END_TEST

START_TEST(one_that_closes_its_socket_is_ended)
{
	set_up("#!/bin/sh\nexec <&- >&-\nexec sleep 1000\n");
	ask(1);
	wait_for_answers(1);
	ck_assert_int_ne(got[0].state, CONTENT_READ);
	tear_down();
}
END_TEST

START_TEST(at_a_stop_all_are_answered)
{
	set_up("#!/bin/sh\nexec sleep 1000\n");
	ask(1);
	ask(2);
	hasher_stop(hasher);
	ck_assert_uint_eq(answers, 2);
	ask(3);
	ck_assert_uint_eq(answers, 3);
	ck_assert_int_eq(got[2].state, CONTENT_UNAVAILABLE);
	tear_down();
}
END_TEST

/* It is stopped when nobody asked for a while, and may be asked before it has ended. */
START_TEST(one_that_is_being_stopped_loses_no_question)
{
	set_up("#!/bin/sh\ntrap '' TERM\ncd \"${0%/*}\"\nwhile read -r id rest; do\n"
	       "[ $id != 2 ] || [ -e seen ] || { : >seen; exec sleep 1000; }\n"
	       "echo \"$id no-file 0 0 0 0 -1 -\"\ndone\n");
	ask(1);
	wait_for_answers(1);
	ev_timer_stop(loop, &guard);
	later += 61;
	ev_now_update(loop);
	ev_run(loop, EVRUN_NOWAIT);
	ev_timer_set(&guard, LONG_S, 0.);
	ev_timer_start(loop, &guard);
	ask(2);
	wait_for_answers(2);
	ck_assert_int_eq(got[1].state, CONTENT_NO_FILE);
	tear_down();
}
END_TEST

UNIT_MAIN("hasher", all_are_answered_in_order, too_many_are_refused,
    a_death_costs_nothing_behind_it, nonsense_is_as_a_death,
    one_that_was_ended_for_nonsense_is_asked_again, without_a_helper_there_is_an_answer,
    one_that_closes_its_socket_is_ended, at_a_stop_all_are_answered,
    one_that_is_being_stopped_loses_no_question)
