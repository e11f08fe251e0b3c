/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "base/log.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* A datagram socket: what is read at once is what was written at once. */
static int fds[2];
static char line[70000];

static void
listen_to(enum log_format format, enum log_level level, const char *process)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	log_init(format, level);
	log_set_process(process);
	log_set_fd(fds[1]);
}

/* The next line without its newline; NULL where there is none. */
static const char *
next(void)
{
	ssize_t n = recv(fds[0], line, sizeof(line) - 1, MSG_DONTWAIT);
	if (n == -1)
		return NULL;
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(line[n - 1], '\n');
	line[n - 1] = '\0';
	ck_assert_ptr_null(strchr(line, '\n'));
	return line;
}

static void
expect(const char *want)
{
	const char *got = next();
	ck_assert_msg(got && strcmp(got, want) == 0, "\"%s\" and not \"%s\"", want,
	    got ? got : "nothing");
}

static void
expect_like(const char *pattern)
{
	regex_t re;
	const char *got = next();
	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(
	    got && regexec(&re, got, 0, NULL, 0) == 0, "%s", got ? got : "nothing");
	regfree(&re);
}

START_TEST(a_text_line_has_time_level_name_and_pid)
{
	char want[128];
	listen_to(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "watcher");
	log_info("root /p: %d files", 3);
	snprintf(want, sizeof(want),
	    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z info watcher\\[%d\\]: "
	    "root /p: 3 files$",
	    (int)getpid());
	expect_like(want);
}
END_TEST

START_TEST(a_line_for_systemd_begins_with_its_priority)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_DEBUG, "runner");
	log_errorx("a");
	expect("<3>runner: a");
	log_warnx("b");
	expect("<4>runner: b");
	log_info("c");
	expect("<6>runner: c");
	log_debug("d");
	expect("<7>runner: d");
}
END_TEST

START_TEST(a_json_line_is_json)
{
	listen_to(LOG_FORMAT_JSON, LOG_LEVEL_INFO, "wa\"tcher");
	log_warnx("file \"a\\b\n\xff\xc3\xa9\": odd");
	cJSON *o = cJSON_Parse(next());
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(cJSON_GetObjectItem(o, "level")->valuestring, "warn");
	ck_assert_str_eq(cJSON_GetObjectItem(o, "process")->valuestring, "wa\"tcher");
	ck_assert_int_eq(cJSON_GetObjectItem(o, "pid")->valueint, getpid());
	ck_assert_str_eq(cJSON_GetObjectItem(o, "message")->valuestring,
	    "file \"a\\\\b\\012\\377\xc3\xa9\": odd");
	ck_assert_uint_eq(
	    strlen(cJSON_GetObjectItem(o, "timestamp_utc")->valuestring), 30);
	cJSON_Delete(o);
}
END_TEST

START_TEST(odd_bytes_cannot_break_a_line_or_a_terminal)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	log_info("%s", "a\nb\tc\033[31m\x7f\\ \"q\"");
	expect("<6>a\\012b\\011c\\033[31m\\177\\\\ \"q\"");
	log_info("%s",
	    "Gr\xc3\xbc\xc3\x9f"
	    "e \xe2\x82\xac \xf0\x9f\x98\x80");
	expect("<6>Gr\xc3\xbc\xc3\x9f"
	       "e \xe2\x82\xac \xf0\x9f\x98\x80");
	log_info("%s", "latin caf\xe9, half \xe2\x82");
	expect("<6>latin caf\\351, half \\342\\202");
	log_info("%s", "csi \xc2\x9b, line \xe2\x80\xa8, turn \xe2\x80\xae \xe2\x81\xa6");
	expect("<6>csi \\302\\233, line \\342\\200\\250, turn \\342\\200\\256 "
	       "\\342\\201\\246");
	log_info("%s", "nbsp \xc2\xa0 dash \xe2\x80\x93");
	expect("<6>nbsp \xc2\xa0 dash \xe2\x80\x93");
}
END_TEST

START_TEST(warn_and_error_tell_errno_and_keep_it)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	errno = ENOSPC;
	log_warn("watch %s", "/a");
	expect("<4>watch /a: No space left on device");
	ck_assert_int_eq(errno, ENOSPC);
	log_error("b");
	expect("<3>b: No space left on device");
	log_errorx("c");
	log_debug("not told");
	ck_assert_int_eq(errno, ENOSPC);
	expect("<3>c");
	log_set_fd(-1);
	log_info("nowhere");
	ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

START_TEST(what_is_below_the_level_is_not_told)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_WARN, "");
	log_info("a");
	log_debug("b");
	ck_assert_ptr_null(next());
	log_warnx("c");
	expect("<4>c");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("d");
	expect("<7>d");
}
END_TEST

START_TEST(a_repeated_message_is_counted)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	for (int i = 0; i < 5; i++)
		log_warnx("disk is full");
	expect("<4>disk is full");
	ck_assert_ptr_null(next());
	log_info("disk is full");
	expect("<4>last message repeated 4 times");
	expect("<6>disk is full");
	log_info("other");
	expect("<6>other");
	ck_assert_ptr_null(next());
}
END_TEST

START_TEST(a_count_goes_where_its_message_went)
{
	int old;
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	log_info("again");
	log_info("again");
	expect("<6>again");
	old = fds[0];
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	log_info("again");
	expect("<6>again");
	fds[0] = old;
	ck_assert_ptr_null(next());
}
END_TEST

START_TEST(a_new_file_gets_the_count_of_the_old_into_the_old)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	log_info("again");
	log_info("again");
	expect("<6>again");
	log_set_fd(fds[1]);
	expect("<6>last message repeated 1 times");
	log_info("again");
	expect("<6>again");
}
END_TEST

START_TEST(a_message_too_long_is_cut_and_says_why_all_the_same)
{
	static char text[20000];
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO, "");
	memset(text, 'x', sizeof(text) - 1);
	errno = EIO;
	log_warn("%s", text);
	expect_like("^<4>x+\\.\\.\\.: Input/output error$");
	memset(text, '\xff', sizeof(text) - 1);
	log_info("%s", text);
	expect_like("^<6>(\\\\377)+\\.\\.\\.$");
}
END_TEST

/* The lines in the pipe, each whole; how many are told as left out is added up. */
static size_t
read_lines(int fd, unsigned long *left_out)
{
	static char text[2 * 1024 * 1024];
	size_t n = 0;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(len, 0);
	text[len] = '\0';
	ck_assert_int_eq(text[len - 1], '\n');
	for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n")) {
		unsigned long lost;
		ck_assert_msg(
		    strncmp(p, "<6>", 3) == 0 || strncmp(p, "<4>", 3) == 0, "%s", p);
		if (sscanf(p, "<4>%lu lines were not written: nobody read", &lost) == 1)
			*left_out += lost;
		else
			n++;
	}
	return n;
}

START_TEST(who_does_not_read_holds_nobody_up)
{
	static char text[6000];
	int pipe_fds[2];
	unsigned long left_out = 0;
	size_t n;
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	log_init(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	log_set_process("");
	log_set_fd(pipe_fds[1]);
	memset(text, 'x', sizeof(text) - 1);
	errno = EINTR; /* of something else */
	for (int i = 0; i < 300; i++)
		log_info("%d %.*s", i, i % 3 == 0 ? 5000 : 700, text);
	/* The last one may be cut: it is closed by the next that is written. */
	static char all[2 * 1024 * 1024];
	ssize_t len = read(pipe_fds[0], all, sizeof(all) - 1);
	ck_assert_int_gt(len, 40000);
	bool is_cut = all[len - 1] != '\n';
	n = 0;
	for (ssize_t i = 0; i < len; i++)
		n += all[i] == '\n';
	log_info("it reads again");
	char first = '\0';
	if (is_cut)
		ck_assert_int_eq(read(pipe_fds[0], &first, 1), 1);
	ck_assert_int_eq(first, is_cut ? '\n' : '\0');
	ck_assert_uint_eq(read_lines(pipe_fds[0], &left_out), 1);
	ck_assert_uint_eq(n + left_out, 300);
	log_info("and again");
	left_out = 0;
	ck_assert_uint_eq(read_lines(pipe_fds[0], &left_out), 1);
	ck_assert_uint_eq(left_out, 0);
}
END_TEST

START_TEST(level_names_are_read_and_told)
{
	static const enum log_level all[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARN,
		LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
	for (size_t i = 0; i < COUNTOF(all); i++)
		ck_assert_int_eq(log_level_parse(log_level_name(all[i])), (int)all[i]);
	ck_assert_int_eq(log_level_parse("INFO"), -1);
	ck_assert_int_eq(log_level_parse(""), -1);
}
END_TEST

static int
status_of(void (*end)(void))
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		end();
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
die_with_errno(void)
{
	log_errorx("last words");
	log_errorx("last words");
	errno = EACCES;
	fatal("lock");
}

static void
die_without(void)
{
	log_errorx("same");
	fatalx("same");
}

START_TEST(fatal_is_told_and_ends_the_process_with_1)
{
	listen_to(LOG_FORMAT_SYSTEMD, LOG_LEVEL_ERROR, "x");
	ck_assert_int_eq(status_of(die_with_errno), 1);
	expect("<3>x: last words");
	expect("<3>x: last message repeated 1 times");
	expect("<3>x: lock: Permission denied");
	ck_assert_int_eq(status_of(die_without), 1);
	expect("<3>x: same");
	expect("<3>x: same");
}
END_TEST

UNIT_MAIN("log", a_text_line_has_time_level_name_and_pid,
    a_line_for_systemd_begins_with_its_priority, a_json_line_is_json,
    odd_bytes_cannot_break_a_line_or_a_terminal, warn_and_error_tell_errno_and_keep_it,
    what_is_below_the_level_is_not_told, a_repeated_message_is_counted,
    a_count_goes_where_its_message_went,
    a_new_file_gets_the_count_of_the_old_into_the_old,
    a_message_too_long_is_cut_and_says_why_all_the_same,
    who_does_not_read_holds_nobody_up, level_names_are_read_and_told,
    fatal_is_told_and_ends_the_process_with_1)
