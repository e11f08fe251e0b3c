/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

static char dir[] = "/tmp/filemon-notify.XXXXXX";

/* The service manager's end; name as in NOTIFY_SOCKET. */
static int
manager(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	else
		len++;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
expect(int fd, const char *want)
{
	char got[2000] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	ck_assert_int_ge(n, 0);
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq((size_t)n, strlen(want));
}

static const char *
own_name(char first)
{
	static char name[64];
	if (first == '/')
		snprintf(name, sizeof(name), "%s/s", dir);
	else
		snprintf(name, sizeof(name), "@filemon-test-%d", (int)getpid());
	return name;
}

START_TEST(without_the_variable_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "2000000", 1);
	notify_init();
	ck_assert_int_eq(notify_send("READY=1"), 0);
	ck_assert_int_eq(notify_watchdog_ms(), 0);
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
}
END_TEST

START_TEST(a_path_is_told_and_not_inherited)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	int fd = manager(own_name('/'));
	notify_init();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert_int_eq(notify_send("READY=1\nSTATUS=%d files", 3), 1);
	expect(fd, "READY=1\nSTATUS=3 files");
	close(fd);
	ck_assert_int_eq(notify_send("STOPPING=1"), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	unlink(own_name('/'));
	rmdir(dir);
}
END_TEST

START_TEST(an_abstract_name_is_told)
{
	int fd = manager(own_name('@'));
	notify_init();
	ck_assert_int_eq(notify_send("WATCHDOG=1"), 1);
	expect(fd, "WATCHDOG=1");
	ck_assert_int_eq(notify_send("STATUS=%2000d", 1), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	close(fd);
}
END_TEST

START_TEST(an_address_that_is_none_is_left_alone)
{
	char name[200];
	int null[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, null), 0);
	log_set_fd(null[0]);
	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init();
	ck_assert_int_eq(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	notify_init();
	ck_assert_int_eq(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "@", 1);
	notify_init();
	ck_assert_int_eq(notify_send("READY=1"), 0);
}
END_TEST

static int64_t
watchdog(const char *usec, const char *pid)
{
	int fd = manager(own_name('@'));
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	notify_init();
	close(fd);
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
	return notify_watchdog_ms();
}

START_TEST(the_watchdog_is_fed_twice_in_its_time)
{
	char self[32];
	snprintf(self, sizeof(self), "%d", (int)getpid());
	ck_assert_int_eq(watchdog("30000000", NULL), 15000);
	ck_assert_int_eq(watchdog("30000000", self), 15000);
	ck_assert_int_eq(watchdog("30000000", "1"), 0);
	ck_assert_int_eq(watchdog("100", NULL), 1);
	ck_assert_int_eq(watchdog("0", NULL), 0);
	ck_assert_int_eq(watchdog("-5", NULL), 0);
	ck_assert_int_eq(watchdog("", NULL), 0);
	ck_assert_int_eq(watchdog("3x", NULL), 0);
	ck_assert_int_eq(watchdog("99999999999999999999", NULL), 0);
}
END_TEST

START_TEST(what_was_taken_can_be_handed_on)
{
	char *first, *second;
	int fd = manager(own_name('@'));
	setenv("WATCHDOG_USEC", "5", 1);
	notify_init();
	first = notify_env(0);
	second = notify_env(1);
	ck_assert_int_eq(strncmp(first, "NOTIFY_SOCKET=@", 15), 0);
	ck_assert_str_eq(second, "WATCHDOG_USEC=5");
	ck_assert_ptr_null(notify_env(2));
	notify_init();
	ck_assert_ptr_null(notify_env(0));
	free(first);
	free(second);
	close(fd);
}
END_TEST

UNIT_MAIN("notify", what_was_taken_can_be_handed_on, without_the_variable_nothing_happens,
    a_path_is_told_and_not_inherited, an_abstract_name_is_told,
    an_address_that_is_none_is_left_alone, the_watchdog_is_fed_twice_in_its_time)
