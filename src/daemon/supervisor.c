/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "daemon/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/compiler.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/accepted.h"
#include "daemon/store.h"
#include "runner/runner.h"
#include "watcher/watcher.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 30000
#define HEALTHY_MS 60000
/* Deaths before it was ever ready: whoever started it waits for an answer. */
#define DEATHS_MAX 5
/* The death of one makes the other exit: both are waited for to find the cause. */
#define FOLLOW_MS 200
/* A runner that ended in order (code 0) was told so by a watcher about to end. */
#define LEAVE_MS 10000
/* Not an exit code: go on. */
#define GO_ON (-1)

static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

struct supervisor {
	struct pair_setup setup;
	const struct renew *renew;
	struct pair pair;
	bool ready; /* was, once */
	bool stopping;
	sigset_t kept; /* requests that came while there was no watcher */
	unsigned restarts;
	unsigned deaths;    /* in a row, without a healthy time between */
	char cause[512];    /* of the last restart */
	int64_t started_ms; /* the present pair */
	int64_t judge_ms;   /* when to judge a death at last; 0: both live */
	int64_t start_ms;   /* when to start again; 0: a pair is there */
};

/* The line goes to whoever waits for it; "" is for one that will never come. */
static void
report(struct supervisor *s, const char *line)
{
	fd_close(&s->pair.ready_fd);
	if (s->setup.report_fd != -1)
		fd_write_all(s->setup.report_fd, line, strlen(line));
	fd_close(&s->setup.report_fd);
}

static void
on_ready_line(struct supervisor *s)
{
	char line[512];
	ssize_t n = read(s->pair.ready_fd, line, sizeof(line) - 1);
	if (n <= 0) {
		fd_close(&s->pair.ready_fd);
		return;
	}
	line[n] = '\0';
	s->ready = s->ready || strncmp(line, "ready", 5) == 0;
	report(s, line);
	mem_give_back();
}

static void
pass_on(struct supervisor *s, int sig)
{
	if (s->pair.watcher > 0)
		kill(s->pair.watcher, sig);
	else
		sigaddset(&s->kept, sig);
}

static int
start(struct supervisor *s)
{
	s->started_ms = clk_mono_ms();
	s->start_ms = s->judge_ms = 0;
	if (pair_start(&s->pair, &s->setup, s->restarts, s->cause) == -1) {
		snprintf(s->cause, sizeof(s->cause), "cannot fork: %s", strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < COUNTOF(signals); i++)
		if (sigismember(&s->kept, signals[i]))
			pass_on(s, signals[i]);
	sigemptyset(&s->kept);
	return 0;
}

/* The first time at once, then later and later. */
static void
plan_restart(struct supervisor *s)
{
	int64_t now = clk_mono_ms(), delay = 0;
	pair_end(&s->pair);
	if (now - s->started_ms >= HEALTHY_MS)
		s->deaths = 0;
	if (s->deaths > 0)
		delay = DELAY_MIN_MS << (s->deaths < 10 ? s->deaths - 1 : 9);
	if (delay > DELAY_MAX_MS)
		delay = DELAY_MAX_MS;
	s->deaths++;
	s->restarts++;
	s->judge_ms = 0;
	s->start_ms = now + delay;
	log_errorx("%s (watcher and runner are started again in %lld ms)", s->cause,
	    (long long)delay);
}

static bool
is_stop(int sig)
{
	return sig == SIGTERM || sig == SIGINT;
}

static bool
exited_with(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void
set_cause(struct supervisor *s, const char *name, int status)
{
	if (WIFSIGNALED(status))
		snprintf(s->cause, sizeof(s->cause), "%s: killed by signal %d (%s)", name,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(s->cause, sizeof(s->cause), "%s: exited with code %d", name,
		    WEXITSTATUS(status));
}

/* Of two that died the one that did not just follow the other (code 1). */
static void
find_cause(struct supervisor *s)
{
	bool runner = s->pair.runner == 0 &&
	    (s->pair.watcher > 0 ||
		(exited_with(s->pair.watcher_status, CHILD_EXIT_FATAL) &&
		    !exited_with(s->pair.runner_status, CHILD_EXIT_FATAL)));
	if (runner)
		set_cause(s, "runner", s->pair.runner_status);
	else
		set_cause(s, "watcher", s->pair.watcher_status);
}

static int
give_up(struct supervisor *s)
{
	char line[sizeof(s->cause) + 16];
	snprintf(line, sizeof(line), "failed: %s\n", s->cause);
	report(s, line);
	log_errorx("%s (filemond ends)", s->cause);
	return 1;
}

/* Both again, in this program: what was left is still good. */
static void
stay(struct supervisor *s)
{
	log_errorx("restart: %s (going on as before)", s->cause);
	s->restarts++;
	if (start(s) == -1)
		plan_restart(s);
}

/* The watcher has made place for a new filemond. */
static void
become_new(struct supervisor *s)
{
	struct renewal renewal = {
		.count = s->setup.renewals + 1,
		.locks = s->setup.locks,
		.report_fd = s->setup.report_fd,
	};
	handover_receive(s->pair.hand_fd, &s->setup.hand);
	pair_end(&s->pair);
	if (renew_try(s->renew, s->cause, sizeof(s->cause)) == -1) {
		stay(s);
		return;
	}
	log_info("restart: becoming %s", s->renew->exe);
	renewal.hand = s->setup.hand;
	renew_exec(s->renew, &renewal);
	snprintf(s->cause, sizeof(s->cause), "%s: %s", s->renew->exe, strerror(errno));
	stay(s);
}

static void
leave_to_manager(struct supervisor *s)
{
	struct handover hand;
	if (handover_receive(s->pair.hand_fd, &hand) == 0)
		store_keep(&hand);
	handover_close(&hand);
}

/* A watcher that is dead: what that means for filemond. */
static int
judge_watcher(struct supervisor *s)
{
	int status = s->pair.watcher_status;
	if (s->pair.ready_fd != -1)
		on_ready_line(s);
	if (exited_with(status, CHILD_EXIT_STOPPED) ||
	    exited_with(status, CHILD_EXIT_CUT)) {
		leave_to_manager(s);
		return WEXITSTATUS(status);
	}
	if (exited_with(status, CHILD_EXIT_RENEW)) { /* a stop came between */
		leave_to_manager(s);
		return 0;
	}
	if (exited_with(status, CHILD_EXIT_STATE_GONE)) {
		snprintf(s->cause, sizeof(s->cause), "%s: was removed or replaced",
		    s->setup.config->state_dir);
		return give_up(s);
	}
	/* By that signal: it had no handler yet, so nothing was begun. */
	if (s->stopping)
		return WIFSIGNALED(status) && is_stop(WTERMSIG(status)) ? 0 : 3;
	return GO_ON;
}

static int
judge(struct supervisor *s)
{
	bool watcher = s->pair.watcher == 0;
	if (watcher && !s->stopping &&
	    exited_with(s->pair.watcher_status, CHILD_EXIT_RENEW)) {
		become_new(s);
		return GO_ON;
	}
	int code = watcher ? judge_watcher(s) : GO_ON;
	if (code != GO_ON)
		return code;
	if (s->stopping)
		return 3;
	find_cause(s);
	bool told = watcher && !s->ready && s->restarts == 0 &&
	    exited_with(s->pair.watcher_status, CHILD_EXIT_FATAL) &&
	    strncmp(s->cause, "watcher", 7) == 0;
	if (told || (!s->ready && s->deaths >= DEATHS_MAX))
		return give_up(s);
	plan_restart(s);
	return GO_ON;
}

/* How long to wait for the other one before a death is judged. */
static int64_t
patience(const struct supervisor *s)
{
	const struct pair *pair = &s->pair;
	if (pair->watcher == 0 && pair->runner == 0)
		return 0;
	if (pair->watcher == 0)
		return exited_with(pair->watcher_status, CHILD_EXIT_FATAL) ? FOLLOW_MS
									   : 0;
	return exited_with(pair->runner_status, 0) || s->stopping ? LEAVE_MS : FOLLOW_MS;
}

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;
	bool one_of_both = false;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		one_of_both = pair_reaped(&s->pair, pid, status) || one_of_both;
	if (one_of_both)
		s->judge_ms = clk_mono_ms() + patience(s);
}

/* The first asks the watcher to finish what runs, the second does not ask. */
static int
on_stop(struct supervisor *s, int sig)
{
	if (s->start_ms > 0)
		return 0;
	if (s->stopping)
		return 3;
	s->stopping = true;
	if (s->pair.watcher > 0)
		kill(s->pair.watcher, sig);
	return GO_ON;
}

static void
on_reopen(struct supervisor *s)
{
	const char *path = s->setup.trace_log;
	if (path && runner_open_trace(path) == -1)
		log_warn("%s: cannot be reopened (the old one is written to)", path);
}

static int
on_signal(struct supervisor *s, int sig)
{
	if (is_stop(sig))
		return on_stop(s, sig);
	if (sig == SIGCHLD) {
		reap(s);
		return GO_ON;
	}
	if (sig == SIGUSR1)
		on_reopen(s);
	pass_on(s, sig);
	return GO_ON;
}

static int
on_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	int code = GO_ON;
	while (code == GO_ON &&
	    read(s->setup.signal_fd, &info, sizeof(info)) == sizeof(info))
		code = on_signal(s, (int)info.ssi_signo);
	return code;
}

static int
on_time(struct supervisor *s)
{
	int64_t now = clk_mono_ms();
	if (s->judge_ms > 0 && now >= s->judge_ms)
		return judge(s);
	if (s->start_ms > 0 && now >= s->start_ms && start(s) == -1)
		plan_restart(s);
	return GO_ON;
}

static int
time_out(const struct supervisor *s)
{
	int64_t due = s->judge_ms > 0 ? s->judge_ms : s->start_ms;
	int64_t left = due - clk_mono_ms();
	if (due == 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

static int
run(struct supervisor *s)
{
	int code = GO_ON;
	while (code == GO_ON) {
		struct pollfd fds[] = {
			{ .fd = s->setup.signal_fd, .events = POLLIN },
			{ .fd = s->pair.ready_fd, .events = POLLIN },
		};
		if (poll(fds, COUNTOF(fds), time_out(s)) == -1 && errno != EINTR)
			fatal("poll");
		if (fds[1].revents != 0)
			on_ready_line(s);
		if (fds[0].revents != 0)
			code = on_signals(s);
		if (code == GO_ON)
			code = on_time(s);
	}
	return code;
}

/* Signals wait in a descriptor: none interrupts, none is handled half-way. */
static int
open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < COUNTOF(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
supervisor_main(const struct pair_setup *setup, const struct renew *renew)
{
	struct supervisor s = { .setup = *setup, .renew = renew, .pair = PAIR_INIT };
	int code = 1;
	sigemptyset(&s.kept);
	setproctitle("supervisor %s", setup->config->project);
	s.setup.signal_fd = open_signals();
	s.setup.accepted_fd = accepted_open();
	if (s.setup.signal_fd == -1 || s.setup.accepted_fd == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		fatal("supervisor");
	if (start(&s) == 0)
		code = run(&s);
	else
		give_up(&s);
	pair_end(&s.pair);
	fd_close(&s.setup.report_fd);
	fd_close(&s.setup.signal_fd);
	fd_close(&s.setup.accepted_fd);
	config_free(s.setup.config);
	return code;
}
