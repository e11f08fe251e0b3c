/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "conf/accepted.h"
#include "runner/procs.h"
#include "runner/runner.h"
#include "wire/wire.h"

/* The watcher's end, played by the test; the runner is a process of its own. */
static char dir[64];
static int wire_fd, life_fd, accepted_fd;
static pid_t runner_pid;
static char digest[32];
static unsigned char message[WIRE_MAX + 1];

static const char conf[] =
    "tags = { \"tenant_id=acme\", \"user_id=u1\" }\n"
    "handler first {\n"
    "  load = { \"sh\", \"-c\", \"env | grep -E "
    "'^(FILEMON_|MINE|PATH)' | LC_ALL=C sort; echo arg $0\" }\n"
    "  env = { \"MINE=1\", \"PATH=/usr/bin:/bin\" }\n"
    "}\n"
    "handler slow {\n"
    "  load = { \"sh\", \"-c\", \"trap '' TERM; echo $$ >pid; "
    "while :; do sleep 1; done\" }\n"
    "  stop-grace = 100ms\n"
    "}\n"
    "handler gated {\n"
    "  load = { \"sh\", \"-c\", \"echo $0 >>began; while ! [ -e open ] "
    "&& ! [ -e $0.open ]; do sleep 0.01; done\" }\n"
    "}\n";

static void
write_conf(const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/.filemon/filemon.conf", dir);
	ck_assert_int_eq(fd_write_atomic(path, text, strlen(text), 0600), 0);
}

static void
send_msg(const struct wire_msg *msg)
{
	static unsigned char out[WIRE_MAX];
	int n = wire_encode(msg, out, sizeof(out));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(send(wire_fd, out, (size_t)n, MSG_NOSIGNAL), n);
}

static void
receive_any(struct wire_msg *msg)
{
	struct pollfd pfd = { .fd = wire_fd, .events = POLLIN };
	ck_assert_int_eq(poll(&pfd, 1, 30000), 1);
	ssize_t n = recv(wire_fd, message, WIRE_MAX, 0);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(wire_decode(msg, message, (size_t)n), 0);
}

/* That a job runs is told only where it is not over at once. */
static void
receive(struct wire_msg *msg, enum wire_type type)
{
	do
		receive_any(msg);
	while (msg->type == WIRE_LIMITS ||
	    (msg->type == WIRE_STARTED && type != WIRE_STARTED));
	ck_assert_int_eq(msg->type, type);
}

static int
run_runner(int fd, int life)
{
	struct config_source source = { .project = dir };
	struct config_error error;
	struct config *config = config_load(&source, &error);
	if (!config)
		return 99;
	signal(SIGTERM, SIG_DFL);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return runner_main(&(struct runner_setup){ .config = config,
	    .source = &source,
	    .wire_fd = fd,
	    .life_fd = life,
	    .accepted_fd = accepted_fd });
}

static void
set_up(void)
{
	char path[128];
	int fds[2], life[2];
	struct wire_msg msg;
	snprintf(dir, sizeof(dir), "/tmp/test_runner.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.filemon", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_conf(conf);
	ck_assert_int_eq(wire_pair(fds), 0);
	ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	accepted_fd = accepted_open();
	ck_assert_int_ne(accepted_fd, -1);
	runner_pid = fork();
	if (runner_pid == 0) {
		close(fds[0]);
		close(life[1]);
		exit(run_runner(fds[1], life[0]));
	}
	close(fds[1]);
	close(life[0]);
	wire_fd = fds[0];
	life_fd = life[1];
	receive(&msg, WIRE_READY);
	snprintf(digest, sizeof(digest), "%s", msg.text);
}

static int
wait_runner(void)
{
	int status;
	ck_assert_int_eq(waitpid(runner_pid, &status, 0), runner_pid);
	ck_assert(WIFEXITED(status));
	/* It has left nobody behind who would have come to this process. */
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	return WEXITSTATUS(status);
}

static void
remove_dir(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
tear_down(void)
{
	close(wire_fd);
	wait_runner();
	close(life_fd);
	close(accepted_fd);
	remove_dir();
}

static struct wire_msg
run_msg(uint64_t id, uint32_t handler, const char *path)
{
	return (struct wire_msg){ .type = WIRE_RUN,
		.id = id,
		.handler = handler,
		.command = WIRE_LOAD,
		.attempt = 2,
		.max_attempts = 4,
		.size = 12,
		.path = path,
		.old_path = "",
		.event = "modified",
		.event_id = "e-1" };
}

static pid_t
read_pid(void)
{
	char path[128], text[32] = "";
	snprintf(path, sizeof(path), "%s/pid", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && strchr(text, '\n') ? (pid_t)atoi(text) : 0;
}

static pid_t
start_slow(uint64_t id)
{
	struct wire_msg msg = run_msg(id, 1, "a");
	pid_t pid;
	send_msg(&msg);
	receive(&msg, WIRE_STARTED);
	ck_assert_uint_eq(msg.id, id);
	while ((pid = read_pid()) == 0)
		usleep(2000);
	return pid;
}

static bool
is_gone(pid_t pid)
{
	return kill(pid, 0) == -1 && errno == ESRCH;
}

START_TEST(a_job_gets_its_path_and_environment)
{
	char want[256], output[WIRE_OUTPUT_MAX + 1] = "";
	set_up();
	struct wire_msg msg = run_msg(7, 0, "docs/a b.md");
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	ck_assert_uint_eq(msg.id, 7);
	ck_assert_int_gt(msg.pid, 0);
	ck_assert_int_eq(msg.outcome, WIRE_EXIT);
	ck_assert_int_eq(msg.code, 0);
	memcpy(output, msg.output, msg.output_len);
	snprintf(want, sizeof(want), "arg %s/docs/a b.md\n", dir);
	ck_assert_ptr_nonnull(strstr(output, want));
	snprintf(want, sizeof(want),
	    "FILEMON_PATH=%s/docs/a b.md\nFILEMON_RELPATH=docs/a b.md\n"
	    "FILEMON_ROOT=%s\nFILEMON_SIZE=12\n",
	    dir, dir);
	ck_assert_ptr_nonnull(strstr(output, want));
	ck_assert_ptr_nonnull(strstr(output,
	    "FILEMON_ATTEMPT=2\nFILEMON_EVENT=modified\n"
	    "FILEMON_EVENT_ID=e-1\nFILEMON_HANDLER=first\nFILEMON_JOB="));
	ck_assert_ptr_nonnull(strstr(output, "MINE=1\nPATH=/usr/bin:/bin\n"));
	ck_assert_ptr_null(strstr(output, "FILEMON_OLD_PATH"));
	ck_assert_ptr_null(strstr(output, "FILEMON_SESSION_ID"));
	ck_assert_ptr_nonnull(strstr(output, "FILEMON_MAX_ATTEMPTS=4\n"));
	ck_assert_ptr_nonnull(
	    strstr(output, "FILEMON_TENANT_ID=acme\nFILEMON_USER_ID=u1\n"));
	tear_down();
}
END_TEST

static void
check_refused(struct wire_msg msg)
{
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	ck_assert_int_eq(msg.outcome, WIRE_EXEC_FAILED);
	ck_assert_int_eq(msg.code, EINVAL);
	ck_assert_str_ne(msg.text, "");
}

START_TEST(what_is_not_in_the_configuration_is_refused)
{
	set_up();
	struct wire_msg msg = run_msg(1, 3, "a");
	check_refused(msg);
	msg = run_msg(2, 0, "a");
	msg.command = WIRE_MOVE;
	check_refused(msg);
	msg = run_msg(3, 0, "a");
	msg.root = 1;
	check_refused(msg);
	check_refused(run_msg(4, 0, "../etc/passwd"));
	check_refused(run_msg(5, 0, "a/../../b"));
	check_refused(run_msg(6, 0, "/etc/passwd"));
	msg = run_msg(7, 0, "..a/b..");
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	ck_assert_int_eq(msg.outcome, WIRE_EXIT);
	tear_down();
}
END_TEST

START_TEST(a_stop_cuts_what_runs_and_then_says_so)
{
	struct wire_msg msg;
	set_up();
	pid_t pid = start_slow(1);
	send_msg(&(struct wire_msg){ .type = WIRE_STOP });
	msg = run_msg(2, 0, "b");
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	ck_assert_uint_eq(msg.id, 2);
	ck_assert_int_eq(msg.outcome, WIRE_CUT);
	receive(&msg, WIRE_ENDED);
	ck_assert_uint_eq(msg.id, 1);
	ck_assert_int_eq(msg.outcome, WIRE_CUT);
	ck_assert(is_gone(pid));
	receive(&msg, WIRE_STOPPED);
	close(wire_fd);
	ck_assert_int_eq(wait_runner(), 0);
	remove_dir();
}
END_TEST

START_TEST(when_the_watcher_is_gone_all_is_killed)
{
	set_up();
	pid_t pid = start_slow(1);
	close(wire_fd);
	ck_assert_int_eq(wait_runner(), 1);
	ck_assert(is_gone(pid));
	remove_dir();
}
END_TEST

START_TEST(when_the_supervisor_is_gone_all_is_killed)
{
	set_up();
	pid_t pid = start_slow(1);
	close(life_fd);
	ck_assert_int_eq(wait_runner(), 1);
	ck_assert(is_gone(pid));
	remove_dir();
}
END_TEST

static void
expect_end(uint64_t id, enum wire_outcome outcome)
{
	struct wire_msg msg;
	receive(&msg, WIRE_ENDED);
	ck_assert_uint_eq(msg.id, id);
	ck_assert_int_eq(msg.outcome, outcome);
}

/* STARTED says that there is a process, not that it has come to say so. */
static void
wait_began(void)
{
	struct stat st = { .st_size = 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/began", dir);
	while (stat(path, &st) == -1 || st.st_size == 0)
		poll(NULL, 0, 5);
}

/* One runs, the others are in hand. */
static void
start_gated(uint64_t n)
{
	for (uint64_t id = 1; id <= n; id++) {
		struct wire_msg msg = run_msg(id, 2, id == 1 ? "a" : id == 2 ? "b" : "c");
		send_msg(&msg);
	}
	struct wire_msg msg;
	receive(&msg, WIRE_STARTED);
	ck_assert_uint_eq(msg.id, 1);
	wait_began();
}

static void
check_began(const char *names)
{
	char path[128], want[256] = "", text[256] = "";
	for (const char *p = names; *p; p++)
		snprintf(
		    want + strlen(want), sizeof(want) - strlen(want), "%s/%c\n", dir, *p);
	snprintf(path, sizeof(path), "%s/began", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_str_eq(text, want);
}

static void
open_gate(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

START_TEST(what_comes_while_no_slot_is_free_starts_when_one_is)
{
	set_up();
	start_gated(3);
	/* Of another handler, with a slot of its own. */
	struct wire_msg msg = run_msg(9, 0, "x");
	send_msg(&msg);
	expect_end(9, WIRE_EXIT);
	check_began("a");
	open_gate("open");
	for (uint64_t id = 1; id <= 3; id++)
		expect_end(id, WIRE_EXIT);
	check_began("abc");
	tear_down();
}
END_TEST

/* While much is in hand an outcome may wait for others, but not for long. */
START_TEST(every_outcome_is_told_in_order)
{
	set_up();
	start_gated(10);
	open_gate("a.open");
	expect_end(1, WIRE_EXIT);
	open_gate("open");
	for (uint64_t id = 2; id <= 10; id++)
		expect_end(id, WIRE_EXIT);
	tear_down();
}
END_TEST

START_TEST(what_is_in_hand_can_be_called_back)
{
	set_up();
	start_gated(3);
	send_msg(&(struct wire_msg){ .type = WIRE_DROP, .id = 2 });
	expect_end(2, WIRE_CUT);
	/* Too late for one that runs, and nothing for one that never was. */
	send_msg(&(struct wire_msg){ .type = WIRE_DROP, .id = 1 });
	send_msg(&(struct wire_msg){ .type = WIRE_DROP, .id = 77 });
	open_gate("open");
	expect_end(1, WIRE_EXIT);
	expect_end(3, WIRE_EXIT);
	check_began("ac");
	tear_down();
}
END_TEST

START_TEST(a_reload_and_a_stop_give_back_what_is_in_hand)
{
	struct wire_msg msg;
	set_up();
	start_gated(2);
	send_msg(&(struct wire_msg){ .type = WIRE_RELOAD, .text = digest });
	expect_end(2, WIRE_CUT);
	receive(&msg, WIRE_RELOADED);
	ck_assert_int_eq(msg.code, 0);
	msg = run_msg(3, 2, "c");
	send_msg(&msg);
	send_msg(&(struct wire_msg){ .type = WIRE_STOP });
	expect_end(3, WIRE_CUT);
	expect_end(1, WIRE_CUT);
	receive(&msg, WIRE_STOPPED);
	check_began("a");
	tear_down();
}
END_TEST

START_TEST(a_sigterm_that_is_not_of_the_supervisors_death_is_ignored)
{
	struct wire_msg msg;
	set_up();
	kill(runner_pid, SIGTERM);
	msg = run_msg(1, 0, "a");
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	tear_down();
}
END_TEST

START_TEST(a_reload_is_taken_when_both_read_the_same)
{
	struct config_source source = { .project = dir };
	struct config_error error;
	struct config_text text;
	struct wire_msg msg;
	set_up();
	send_msg(&(struct wire_msg){ .type = WIRE_RELOAD, .text = "0123456789abcdef" });
	receive(&msg, WIRE_RELOADED);
	ck_assert_int_ne(msg.code, 0);
	ck_assert_int_eq(accepted_get(accepted_fd, &text), 0);
	write_conf("handler first { load = { \"echo\", \"new\" } }\n");
	struct config *config = config_load(&source, &error);
	ck_assert_ptr_nonnull(config);
	ck_assert_str_ne(config->digest, digest);
	send_msg(&(struct wire_msg){ .type = WIRE_RELOAD, .text = config->digest });
	receive(&msg, WIRE_RELOADED);
	ck_assert_int_eq(msg.code, 0);
	ck_assert_str_eq(msg.text, config->digest);
	config_free(config);
	check_refused(run_msg(1, 1, "a"));
	msg = run_msg(2, 0, "a");
	send_msg(&msg);
	receive(&msg, WIRE_ENDED);
	ck_assert_mem_eq(msg.output, "new", 3);
	write_conf("handler first {\n");
	send_msg(&(struct wire_msg){ .type = WIRE_RELOAD, .text = "x" });
	receive(&msg, WIRE_RELOADED);
	ck_assert_int_ne(msg.code, 0);
	ck_assert_ptr_nonnull(strstr(msg.text, "filemon.conf"));
	/* What comes after a crash finds the one that was taken. */
	ck_assert_int_eq(accepted_get(accepted_fd, &text), 1);
	ck_assert_str_eq(text.p, "handler first { load = { \"echo\", \"new\" } }\n");
	config_text_release(&text);
	tear_down();
}
END_TEST

START_TEST(what_a_killed_runner_left_is_ended_by_the_next)
{
	char state[128], mark[96];
	struct stat st;
	int status;
	set_up();
	tear_down();
	snprintf(state, sizeof(state), "%s/.filemon", dir);
	ck_assert(mkdir(dir, 0700) == 0 && mkdir(state, 0700) == 0);
	ck_assert_int_eq(stat(state, &st), 0);
	snprintf(mark, sizeof(mark), "FILEMON_JOB=%jx-%jx.1-1.1", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	pid_t left = fork();
	if (left == 0) {
		char *envp[] = { mark, NULL };
		execle("/bin/sleep", "sleep", "600", NULL, envp);
		_exit(127);
	}
	char value[96];
	struct proc proc;
	ck_assert_int_eq(procs_stat(left, &proc), 0);
	while (!procs_env(&proc, "FILEMON_JOB", value, sizeof(value)))
		usleep(1000);
	write_conf(conf);
	int fds[2];
	struct wire_msg msg;
	ck_assert_int_eq(wire_pair(fds), 0);
	runner_pid = fork();
	if (runner_pid == 0) {
		close(fds[0]);
		exit(run_runner(fds[1], -1));
	}
	close(fds[1]);
	wire_fd = fds[0];
	receive(&msg, WIRE_READY);
	ck_assert_int_eq(waitpid(left, &status, 0), left);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(wire_fd);
	wait_runner();
	remove_dir();
}
END_TEST

UNIT_MAIN("runner", a_job_gets_its_path_and_environment,
    what_is_not_in_the_configuration_is_refused, a_stop_cuts_what_runs_and_then_says_so,
    what_comes_while_no_slot_is_free_starts_when_one_is, every_outcome_is_told_in_order,
    what_is_in_hand_can_be_called_back, a_reload_and_a_stop_give_back_what_is_in_hand,
    when_the_watcher_is_gone_all_is_killed, when_the_supervisor_is_gone_all_is_killed,
    a_sigterm_that_is_not_of_the_supervisors_death_is_ignored,
    a_reload_is_taken_when_both_read_the_same,
    what_a_killed_runner_left_is_ended_by_the_next)
