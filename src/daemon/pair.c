/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "daemon/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf/accepted.h"
#include "runner/leftovers.h"
#include "runner/runner.h"
#include "watcher/watcher.h"
#include "wire/wire.h"

#define END_MS 10000

/* They wait till the watcher has handlers for them, which tell the runner. */
static const int requests[] = { SIGHUP, SIGUSR1 };

enum role { WATCHER, RUNNER };

static const struct {
	const char *name;
	int death_signal; /* when the supervisor dies */
} roles[] = {
	[WATCHER] = { "watcher", SIGKILL },
	[RUNNER] = { "runner", SIGTERM },
};

struct start {
	struct pair_setup *setup;
	unsigned restarts;
	const char *cause;
	int wire[2]; /* by role */
	int life[2];
	int ready[2];
	int hand[2];
};

/*
 * The one that was accepted last, by a reload or the start.  Never the file, which
 * may be halfway through an edit: a crash is no reload, and each child would read it
 * at a time of its own.
 */
static struct config *
accepted_config(const struct start *start)
{
	struct config_error error = { "" };
	struct config_text text;
	int found = accepted_get(start->setup->accepted_fd, &text);
	if (found == 0)
		return start->setup->config;
	if (found == -1)
		fatal("the configuration of the last reload");
	struct config *config =
	    config_recall(start->setup->source, &text, start->setup->config, &error);
	if (!config)
		fatalx("the configuration of the last reload: %s", error.text);
	config_text_release(&text);
	log_set_level(config->log_level);
	return config;
}

static int
run_watcher(struct start *start, pid_t runner)
{
	struct config *config = accepted_config(start);
	fd_close(&start->setup->accepted_fd);
	return watcher_main(&(struct watcher_setup){
	    .config = config,
	    .source = start->setup->source,
	    .wire_fd = start->wire[WATCHER],
	    .life_fd = start->life[0],
	    .ready_fd = start->ready[1],
	    .hand_fd = start->hand[1],
	    .hand = &start->setup->hand,
	    .renewals = start->setup->renewals,
	    .foreground = start->setup->foreground,
	    .trace_log = start->setup->trace_log,
	    .supervisor = getppid(),
	    .runner = runner,
	    .restarts = start->restarts,
	    .last_restart = start->restarts > 0 ? start->cause : NULL,
	    .started_wall_ns = start->setup->started_wall_ns,
	    .started_mono_ms = start->setup->started_mono_ms,
	});
}

static int
run_runner(struct start *start)
{
	fd_close(&start->ready[1]);
	fd_close(&start->hand[1]);
	handover_close(&start->setup->hand);
	return runner_main(&(struct runner_setup){
	    .config = accepted_config(start),
	    .source = start->setup->source,
	    .wire_fd = start->wire[RUNNER],
	    .life_fd = start->life[0],
	    .accepted_fd = start->setup->accepted_fd,
	    .trace_log = start->setup->trace_log,
	});
}

/* The runner is told by the watcher, which a stop may come to at any time. */
static void
set_signals(enum role role)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNTOF(requests); i++) {
		if (role == WATCHER)
			sigaddset(&blocked, requests[i]);
		else
			signal(requests[i], SIG_IGN);
	}
	signal(SIGTTOU, SIG_IGN); /* it is in the background */
	signal(SIGINT, role == WATCHER ? SIG_DFL : SIG_IGN);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* In a group of its own: a terminal's signals go to the supervisor, which decides. */
static void
enter(struct start *start, enum role role)
{
	int others[] = { start->setup->report_fd, start->setup->signal_fd };
	setpgid(0, 0);
	for (size_t i = 0; i < COUNTOF(others); i++)
		fd_close(&others[i]);
	fd_close(&start->wire[role == WATCHER ? RUNNER : WATCHER]);
	fd_close(&start->life[1]);
	fd_close(&start->ready[0]);
	fd_close(&start->hand[0]);
	set_signals(role);
	log_set_process(roles[role].name);
	setproctitle("%s %s", roles[role].name, start->setup->config->project);
}

/* 0 where there is no child, with errno. */
static pid_t
fork_role(struct start *start, enum role role, pid_t runner)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, roles[role].death_signal) == -1 ||
		    getppid() != parent)
			_exit(CHILD_EXIT_FATAL);
		enter(start, role);
		exit(role == WATCHER ? run_watcher(start, runner) : run_runner(start));
	}
	return pid == -1 ? 0 : pid;
}

static int
start_both(struct pair *pair, struct start *start)
{
	if (wire_pair(start->wire) == -1 || pipe2(start->life, O_CLOEXEC) == -1 ||
	    pipe2(start->ready, O_CLOEXEC) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start->hand) == -1)
		return -1;
	pair->runner = fork_role(start, RUNNER, 0);
	if (pair->runner > 0)
		pair->watcher = fork_role(start, WATCHER, pair->runner);
	return pair->watcher > 0 ? 0 : -1;
}

int
pair_start(
    struct pair *pair, struct pair_setup *setup, unsigned restarts, const char *cause)
{
	struct start start = { setup, restarts, cause, { -1, -1 }, { -1, -1 }, { -1, -1 },
		{ -1, -1 } };
	*pair = (struct pair)PAIR_INIT;
	int result = start_both(pair, &start);
	int saved = errno;
	pair->life_fd = start.life[1];
	pair->ready_fd = start.ready[0];
	pair->hand_fd = start.hand[0];
	fd_close(&start.wire[WATCHER]);
	fd_close(&start.wire[RUNNER]);
	fd_close(&start.life[0]);
	fd_close(&start.ready[1]);
	fd_close(&start.hand[1]);
	handover_close(&setup->hand);
	errno = saved;
	return result;
}

void
pair_end(struct pair *pair)
{
	fd_close(&pair->life_fd);
	fd_close(&pair->ready_fd);
	fd_close(&pair->hand_fd);
	size_t left = leftovers_end_all(END_MS);
	if (left > 0)
		log_warnx("%zu processes do not end (they are left to the kernel)", left);
	*pair = (struct pair)PAIR_INIT;
}

bool
pair_reaped(struct pair *pair, pid_t pid, int status)
{
	if (pid == pair->watcher) {
		pair->watcher = 0;
		pair->watcher_status = status;
	} else if (pid == pair->runner) {
		pair->runner = 0;
		pair->runner_status = status;
	} else {
		return false;
	}
	return true;
}
