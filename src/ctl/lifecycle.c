/* SPDX-License-Identifier: ISC */
/* start stop restart reload ensure */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/xmalloc.h"
#include "ctl/client.h"
#include "ctl/given.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/restart.h"
#include "ctl/start.h"
#include "ctl/text.h"

#define STOP_TIMEOUT_MS 30000
#define KILL_TIMEOUT_MS 10000
#define LOCK_LOOK_MS 20
#define ASK_AGAIN_MS 1000

struct stop_options {
	int64_t timeout_ms;
	bool force;
};

static int
start_as(struct ctl *ctl, int argc, const struct start_options *options)
{
	struct project project;
	int code;

	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = start_project(ctl, &project, options);
	project_release(&project);
	return code;
}

int
cmd_start(struct ctl *ctl, int argc, char **argv)
{
	struct start_options options = { 0 };

	while (args_next(ctl, argc, argv) != -1)
		options.no_wait = true;
	return start_as(ctl, argc, &options);
}

int
cmd_ensure(struct ctl *ctl, int argc, char **argv)
{
	const struct start_options options = { .silent = true };

	args_only_words(ctl, argc, argv, 0, 0);
	return start_as(ctl, argc, &options);
}

/* The one to stop: by the lock that it holds or, where that file was removed, by
   the pid with which it answers. */
struct target {
	pid_t pid;
	bool unlocked;
};

/* Is the process one of filemond's?  Its title begins with its name. */
static bool
is_filemond(pid_t pid)
{
	char *path = xasprintf("/proc/%d/cmdline", (int)pid);
	char *title = fd_read_file(path, 64 * 1024, NULL);
	const char *slash = title != NULL ? strrchr(title, '/') : NULL;
	const char *name = title == NULL ? "" : *title == '/' ? slash + 1 : title;
	bool yes = strncmp(name, "filemond", strlen("filemond")) == 0;

	free(title);
	free(path);
	return yes;
}

static bool
has_ended(const struct project *project, const struct target *target)
{
	return project_state(project) == PROJECT_STOPPED &&
	    (!target->unlocked || !is_filemond(target->pid));
}

/* pidfd: the process that was looked at is the one that gets the signal. */
static bool
signal_target(const struct project *project, const struct target *target, int signo)
{
	pid_t pid = target->unlocked ? target->pid : project_pid(project);
	int pidfd = pid != 0 ? pidfd_open(pid, 0) : -1;
	bool sent = false;

	if (pidfd == -1)
		return false;
	errno = ESRCH; /* for a pid that is another's by now */
	if (is_filemond(pid) && !has_ended(project, target))
		sent = pidfd_send_signal(pidfd, signo, NULL, 0) == 0;
	fd_close(&pidfd);
	return sent;
}

/* By the socket, or where it does not answer by SIGTERM. */
static bool
ask_to_stop(const struct project *project, const struct target *target)
{
	struct client_call call = { .method = "stop", .timeout_ms = ASK_AGAIN_MS };
	enum client_outcome outcome =
	    client_ask(project->socket, project->state_dir, &call);

	cJSON_Delete(call.result);
	return outcome == CLIENT_OK || signal_target(project, target, SIGTERM);
}

/* A second SIGTERM would break the jobs off: what was sent is not sent again. */
static bool
wait_for_end(const struct project *project, const struct target *target, bool asked,
    int64_t timeout_ms)
{
	struct timespec pause = { .tv_nsec = LOCK_LOOK_MS * 1000000L };
	int64_t now = clk_mono_ms(), until = now + timeout_ms;
	int64_t ask_at = now + ASK_AGAIN_MS;

	while (!has_ended(project, target)) {
		now = clk_mono_ms();
		if (now >= until)
			return false;
		if (!asked && now >= ask_at) {
			asked = ask_to_stop(project, target);
			ask_at = now + ASK_AGAIN_MS;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static int
end_by_force(struct ctl *ctl, const struct project *project, const struct target *target)
{
	if (!signal_target(project, target, SIGKILL))
		return failed(ctl, "filemond (pid %d) cannot be killed: %s",
		    (int)target->pid, strerror(errno));
	if (!wait_for_end(project, target, true, KILL_TIMEOUT_MS))
		return failed(ctl,
		    "filemond (pid %d) was killed, but its lock is still held",
		    (int)target->pid);
	say(ctl, "filemond was killed (pid %d)", (int)target->pid);
	return CTL_OK;
}

static int
stop_running(struct ctl *ctl, const struct project *project,
    const struct stop_options *options, const struct target *target)
{
	char duration[TEXT_SHORT];

	if (wait_for_end(
		project, target, ask_to_stop(project, target), options->timeout_ms)) {
		say(ctl, "filemond stopped (pid %d)", (int)target->pid);
		return CTL_OK;
	}
	clk_format_duration(options->timeout_ms, duration, sizeof(duration));
	if (options->force) {
		complain(ctl, "filemond (pid %d) still runs after %s and is killed",
		    (int)target->pid, duration);
		return end_by_force(ctl, project, target);
	}
	return failed(ctl,
	    "filemond (pid %d) still runs after %s, and stops when it has ended what "
	    "it was doing (wait longer with "
	    "--timeout, or end it with --force)",
	    (int)target->pid, duration);
}

static int
stop_project(struct ctl *ctl, const struct project *project,
    const struct stop_options *options, bool *was_running)
{
	enum project_state state = project_state(project);
	int error = errno;
	struct target target = { peer_find(project), state == PROJECT_STOPPED };

	*was_running = state == PROJECT_RUNNING || target.pid != 0;
	if (project_says_elsewhere(ctl, project))
		return CTL_FAILED;
	if (state == PROJECT_UNKNOWN)
		return failed(ctl, "%s/lock cannot be looked at: %s",
		    project->shown_state, strerror(error));
	if (!*was_running) {
		say(ctl, "filemond is not running in %s", project->shown_root);
		return CTL_OK;
	}
	return stop_running(ctl, project, options, &target);
}

int
cmd_stop(struct ctl *ctl, int argc, char **argv)
{
	struct stop_options options = { .timeout_ms = STOP_TIMEOUT_MS };
	struct project project;
	bool was_running = false;
	int key, code;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 't')
			options.timeout_ms = args_duration(ctl, "--timeout", optarg);
		else
			options.force = true;
	}
	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK)
		code = stop_project(ctl, &project, &options, &was_running);
	if (ctl->json && code == CTL_OK)
		printf("{\"stopped\":true,\"was_running\":%s}\n",
		    was_running ? "true" : "false");
	project_release(&project);
	return code;
}

static int
stop_and_start(
    struct ctl *ctl, const struct project *project, const struct restart_options *options)
{
	const struct stop_options stop = { options->timeout_ms, options->force };
	const struct start_options start = { .no_wait = options->no_wait };
	bool was_running;
	int code = CTL_OK;

	/* What runs is not given up for what would not start. */
	if (project_state(project) == PROJECT_RUNNING)
		code = start_try(ctl, project);
	if (code == CTL_OK)
		code = stop_project(ctl, project, &stop, &was_running);
	return code == CTL_OK ? start_project(ctl, project, &start) : code;
}

int
cmd_restart(struct ctl *ctl, int argc, char **argv)
{
	struct restart_options options = { .timeout_ms = STOP_TIMEOUT_MS };
	struct project project;
	int key, code;

	while ((key = args_next(ctl, argc, argv)) != -1) {
		if (key == 't')
			options.timeout_ms = args_duration(ctl, "--timeout", optarg);
		else if (key == OPT_FORCE)
			options.force = true;
		else
			options.no_wait = true;
	}
	args_words(ctl, argc, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK && !restart_in_place(ctl, &project, &options, &code))
		code = stop_and_start(ctl, &project, &options);
	project_release(&project);
	return code;
}

int
cmd_reload(struct ctl *ctl, int argc, char **argv)
{
	struct project project;
	cJSON *result = NULL;
	const cJSON *line;
	int code;

	args_only_words(ctl, argc, argv, 0, 0);
	code = project_open(ctl, &project);
	if (code == CTL_OK && !given_holds(ctl, &project))
		code = CTL_FAILED;
	if (code == CTL_OK)
		code = client_call(ctl, &project, "reload", NULL, &result);
	if (code == CTL_OK && ctl->json)
		print_json(result);
	if (code == CTL_OK && cJSON_GetArraySize(get(result, "changed")) == 0)
		say(ctl, "nothing changed");
	cJSON_ArrayForEach(line, get(result, "changed"))
	{
		char *text = text_vis_str(cJSON_IsString(line) ? line->valuestring : "");
		say(ctl, "%s", text);
		free(text);
	}
	cJSON_Delete(result);
	project_release(&project);
	return code;
}
