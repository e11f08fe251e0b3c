/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "ctl/client.h"
#include "ctl/given.h"
#include "ctl/launch.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/text.h"

#define LOOK_MS 200
#define PROGRESS_AFTER_MS 1000
#define ASK_MS 2000
#define CAPTURE_MAX (64 * 1024)
#define TRIES 50
#define END_TIMEOUT_MS 30000 /* as of stop */
#define TRY_AGAIN_MS 100

/* filemond on its way: its output is kept until it is known what it means. */
struct child {
	pid_t pid;
	int pidfd;
	int out, err;
	struct buf out_text, err_text;
	bool ended;
	int code;
};

static enum client_outcome
ping(const struct project *project, int64_t patience_ms)
{
	struct client_call call = {
		.method = "ping", .patience_ms = patience_ms, .timeout_ms = ASK_MS
	};
	enum client_outcome outcome =
	    client_ask(project->socket, project->state_dir, &call);

	cJSON_Delete(call.result);
	return outcome;
}

static bool
answers(const struct project *project)
{
	return ping(project, 0) == CLIENT_OK;
}

static bool
wants_progress(const struct ctl *ctl, const struct start_options *options)
{
	return !ctl->quiet && !ctl->json && !options->silent && isatty(STDOUT_FILENO);
}

static void
show_progress(const cJSON *status)
{
	char directories[TEXT_SHORT], files[TEXT_SHORT], left[TEXT_SHORT];
	int64_t dirs = 0, to_list = 0;
	const cJSON *root;

	cJSON_ArrayForEach(root, get(status, "watch"))
	{
		dirs += get_int(root, "directories");
		to_list += get_int(root, "to_list");
	}
	printf("\r\033[Kscanning: %s directories, %s files, %s directories to go",
	    text_count(dirs, directories), text_count(get_int(status, "files"), files),
	    text_count(to_list, left));
	fflush(stdout);
}

static void
clear_progress(bool shown)
{
	if (shown)
		fputs("\r\033[K", stdout);
	fflush(stdout);
}

/* Waits until a daemon that somebody else started has seen the tree. */
static bool
wait_ready(
    struct ctl *ctl, const struct project *project, const struct start_options *options)
{
	struct timespec pause = { .tv_nsec = LOOK_MS / 4 * 1000000L };
	bool shown = false, ready = false, there = true;

	while (there && !ready) {
		cJSON *status = peer_status(project);
		there = status != NULL || ping(project, CLIENT_PATIENCE_MS) == CLIENT_OK;
		ready = get_bool(status, "ready");
		if (status != NULL && !ready && wants_progress(ctl, options)) {
			show_progress(status);
			shown = true;
		}
		cJSON_Delete(status);
		if (there && !ready)
			nanosleep(&pause, NULL);
	}
	clear_progress(shown);
	return ready;
}

static int
say_running(
    struct ctl *ctl, const struct project *project, bool started, const char *line)
{
	pid_t pid = peer_find(project);

	if (ctl->json) {
		cJSON *object = cJSON_CreateObject();
		cJSON_AddBoolToObject(object, "running", true);
		cJSON_AddBoolToObject(object, "started", started);
		cJSON_AddNumberToObject(object, "pid", pid);
		print_json(object);
		cJSON_Delete(object);
	} else if (line != NULL && *line != '\0')
		say(ctl, "%.*s", (int)strcspn(line, "\n"), line);
	else
		say(ctl, "filemond is running (pid %d)", (int)pid);
	return CTL_OK;
}

/* Takes what is there; what is beyond the bound is dropped, never waited for. */
static void
take_output(int fd, struct buf *text)
{
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		if (text->len < CAPTURE_MAX)
			buf_add(text, part, (size_t)n);
}

static int
make_pipe(int *reader, int *writer)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	*reader = fds[0];
	*writer = fds[1];
	return fd_nonblock(fds[0]);
}

static int
child_start(struct child *child, struct launch *launch, bool left_alone)
{
	int result = -1;

	*child = (struct child){ .pid = -1, .pidfd = -1, .out = -1, .err = -1 };
	/* Who is not waited for must not write into a pipe that we closed. */
	if (left_alone)
		launch->out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	else if (make_pipe(&child->out, &launch->out) == -1 ||
	    make_pipe(&child->err, &launch->err) == -1)
		goto out;
	child->pid = launch_spawn(launch);
	if (child->pid == -1)
		goto out;
	child->pidfd = pidfd_open(child->pid, 0);
	result = child->pidfd == -1 ? -1 : 0;
out:
	fd_close(&launch->out);
	fd_close(&launch->err);
	return result;
}

static void
child_release(struct child *child)
{
	fd_close(&child->pidfd);
	fd_close(&child->out);
	fd_close(&child->err);
	buf_release(&child->out_text);
	buf_release(&child->err_text);
}

/* Waits for a while, and takes what comes. */
static void
child_look(struct child *child)
{
	struct pollfd fds[] = { { .fd = child->pidfd, .events = POLLIN },
		{ .fd = child->out, .events = POLLIN },
		{ .fd = child->err, .events = POLLIN } };
	int status;

	/* An output that was closed early would wake us for ever. */
	if (poll(fds, COUNTOF(fds), LOOK_MS) > 0 && (fds[1].revents & POLLHUP) &&
	    (fds[2].revents & POLLHUP))
		poll(fds, 1, LOOK_MS);
	if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
		child->ended = true;
		child->code = launch_exit_code(status);
	}
	take_output(child->out, &child->out_text);
	take_output(child->err, &child->err_text);
}

static void
child_wait(struct ctl *ctl, const struct project *project,
    const struct start_options *options, struct child *child)
{
	int64_t since = clk_mono_ms();
	bool shown = false;

	while (!child->ended) {
		cJSON *status;
		child_look(child);
		if (child->ended)
			break;
		if (options->no_wait && answers(project))
			break;
		if (!wants_progress(ctl, options) ||
		    clk_mono_ms() - since < PROGRESS_AFTER_MS)
			continue;
		status = peer_status(project);
		if (status != NULL) {
			show_progress(status);
			shown = true;
		}
		cJSON_Delete(status);
	}
	clear_progress(shown);
}

static void
show_errors(const struct child *child)
{
	if (child->err_text.len > 0)
		fd_write_all(STDERR_FILENO, child->err_text.p, child->err_text.len);
}

/* Somebody else runs already, or is about to. */
static int
join_other(
    struct ctl *ctl, const struct project *project, const struct start_options *options)
{
	if (!options->no_wait && !options->silent && !wait_ready(ctl, project, options))
		return failed(ctl,
		    "filemond ended before it was ready (%s/trace.log "
		    "may say why)",
		    project->shown_state);
	if (!given_holds(ctl, project))
		return CTL_FAILED;
	return options->silent ? CTL_OK : say_running(ctl, project, false, NULL);
}

int
start_hangs(struct ctl *ctl, const struct project *project)
{
	return failed(ctl,
	    "the lock of %s is held, but nobody answers: filemond "
	    "(pid %d) may hang (end it with 'filemonctl stop', if need be with --force)",
	    project->shown_root, (int)project_pid(project));
}

/*
 * One that is stopping is waited for, so that another can be started: it must not
 * be taken for one that runs.  False after having said that it does not end.
 */
static bool
outlast(struct ctl *ctl, const struct project *project)
{
	struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000L };
	int64_t until = clk_mono_ms() + END_TIMEOUT_MS;
	char duration[TEXT_SHORT];
	pid_t pid;

	while (peer_is_stopping(project, &pid)) {
		if (clk_mono_ms() >= until) {
			clk_format_duration(END_TIMEOUT_MS, duration, sizeof(duration));
			failed(ctl,
			    "filemond (pid %d) is stopping, and has not ended what it "
			    "was doing after %s (end it with 'filemonctl stop --force')",
			    (int)pid, duration);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * filemond found the lock held.  False where nobody is there any more: one was
 * just ending, or somebody only looked at the lock.
 */
static bool
meet_holder(struct ctl *ctl, const struct project *project,
    const struct start_options *options, int *code)
{
	enum client_outcome outcome = ping(project, CLIENT_PATIENCE_MS);

	if (outcome == CLIENT_OK && !outlast(ctl, project))
		*code = CTL_FAILED;
	else if (outcome == CLIENT_OK && !answers(project))
		return false;
	else if (outcome == CLIENT_OK)
		*code = join_other(ctl, project, options);
	else if (project_says_elsewhere(ctl, project))
		*code = CTL_FAILED;
	else if (outcome == CLIENT_NOT_RUNNING)
		return false;
	else
		*code = start_hangs(ctl, project);
	return true;
}

/* Runs filemond once; false where it should be tried again. */
static bool
try_start(struct ctl *ctl, const struct project *project,
    const struct start_options *options, int *code)
{
	struct launch launch;
	struct child child;
	bool decided = true;

	*code = launch_init(ctl, &launch);
	if (*code != CTL_OK)
		return true;
	launch_common(&launch, ctl, project->root);
	if (child_start(&child, &launch, options->no_wait) == -1) {
		*code = failed(ctl, "%s: %s", launch.argv.v[0], strerror(errno));
		goto out;
	}
	child_wait(ctl, project, options, &child);
	*code = child.ended ? child.code : CTL_OK;
	if (*code == FILEMOND_EXIT_LOCKED) {
		decided = meet_holder(ctl, project, options, code);
		goto out;
	}
	show_errors(&child);
	if (*code == CTL_OK && ping(project, CLIENT_PATIENCE_MS) == CLIENT_NOT_RUNNING)
		*code = failed(ctl,
		    "%s has ended with 0, but no filemond runs: is it one? (%s/trace.log "
		    "may say more)",
		    launch.argv.v[0], project->shown_state);
	else if (*code == CTL_OK && !options->silent)
		say_running(ctl, project, true, child.out_text.p);
out:
	child_release(&child);
	launch_release(&launch);
	return decided;
}

int
start_try(struct ctl *ctl, const struct project *project)
{
	const struct start_options options = { .silent = true };
	struct launch launch;
	struct child child;
	int code = launch_init(ctl, &launch);

	if (code != CTL_OK)
		return code;
	launch_arg(&launch, "--test");
	launch_common(&launch, ctl, project->root);
	if (child_start(&child, &launch, false) == -1) {
		code = failed(ctl, "%s: %s", launch.argv.v[0], strerror(errno));
	} else {
		child_wait(ctl, project, &options, &child);
		code = child.code;
		show_errors(&child);
	}
	child_release(&child);
	launch_release(&launch);
	return code;
}

int
start_project(
    struct ctl *ctl, const struct project *project, const struct start_options *options)
{
	struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000L };
	int code = CTL_FAILED;

	if (!outlast(ctl, project))
		return CTL_FAILED;
	if (answers(project))
		return join_other(ctl, project, options);
	for (int i = 0; i < TRIES; i++) {
		if (try_start(ctl, project, options, &code))
			return code;
		nanosleep(&pause, NULL);
	}
	return failed(
	    ctl, "the lock of %s is taken and left again and again", project->shown_root);
}
