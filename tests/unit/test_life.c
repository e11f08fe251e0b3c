/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <ev.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "watcher/life.h"
#include "watcher/watcher_priv.h"

static struct config config = { .digest = "0123456789abcdef" };

/* The runner's first message. */
static struct watcher
greeted(const char *digest)
{
	struct watcher w = { .config = &config };
	w.loop = ev_loop_new(EVFLAG_NOENV);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	life_message(&w, &(struct wire_msg){ .type = WIRE_READY, .text = digest });
	ev_loop_destroy(w.loop);
	return w;
}

START_TEST(a_runner_with_the_same_configuration_gets_orders)
{
	struct watcher w = greeted("0123456789abcdef");
	ck_assert(w.runner_ready);
	ck_assert_int_eq(w.exit_code, 0);
}
END_TEST

START_TEST(a_runner_with_another_configuration_gets_none)
{
	struct watcher w = greeted("fedcba9876543210");
	ck_assert(!w.runner_ready);
	ck_assert_int_eq(w.exit_code, CHILD_EXIT_FATAL);
}
END_TEST

UNIT_MAIN("life", a_runner_with_the_same_configuration_gets_orders,
    a_runner_with_another_configuration_gets_none)
