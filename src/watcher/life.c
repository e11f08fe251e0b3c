/* SPDX-License-Identifier: ISC */
#include "watcher/life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/xmalloc.h"
#include "conf/tags.h"
#include "watcher/ask.h"
#include "watcher/control.h"
#include "watcher/dispatch.h"
#include "watcher/keep.h"
#include "watcher/watcher_priv.h"

#define STOP_WAIT_MS 15000 /* for the runner, beyond what its jobs may take */

void
life_end(struct watcher *w)
{
	ev_break(w->loop, EVBREAK_ALL);
}

/* What the runner may take to end all that runs. */
static int64_t
longest_end(const struct watcher *w)
{
	int64_t longest = 0;

	for (size_t i = 0; i < w->n_handlers; i++)
		if (longest < w->handlers[i].config->stop_grace_ms)
			longest = w->handlers[i].config->stop_grace_ms;
	/* A sink has it twice: from the end of its input, and from SIGTERM. */
	for (size_t i = 0; i < w->config->n_sinks; i++)
		if (longest < 2 * w->config->sinks[i].stop_grace_ms)
			longest = 2 * w->config->sinks[i].stop_grace_ms;
	return longest;
}

static void
send_stop(struct watcher *w, int64_t now)
{
	const struct wire_msg msg = { .type = WIRE_STOP };

	if (w->wire == NULL) {
		life_end(w);
		return;
	}
	w->cut = w->n_jobs > 0;
	w->stop_sent = true;
	w->stop_due_ms = now + longest_end(w) + STOP_WAIT_MS;
	wire_send(w->wire, &msg);
}

void
life_continue(struct watcher *w, int64_t now)
{
	if (!w->stopping)
		return;
	if (!w->stop_sent && (w->n_jobs == 0 || now >= w->stop_due_ms))
		send_stop(w, now);
	else if (w->stop_sent && now >= w->stop_due_ms)
		life_end(w);
}

/* Of a restart that is under way comes a stop. */
static void
stop_for_good(struct watcher *w, const char *reason)
{
	if (!w->renewing)
		return;
	log_info("stopping: %s (instead of a restart)", reason);
	notify_send("STOPPING=1");
	w->renewing = false;
	w->stop_reason = reason;
}

void
watcher_stop(struct watcher *w, const char *reason)
{
	if (w->stopping) {
		stop_for_good(w, reason);
		return;
	}
	log_info("stopping: %s (%lld jobs running)", reason, (long long)w->n_jobs);
	if (w->renewing)
		notify_send("RELOADING=1\nMONOTONIC_USEC=%lld",
		    (long long)(clk_mono_ns() / 1000));
	else
		notify_send("STOPPING=1");
	w->stopping = true;
	w->stop_reason = reason;
	w->stop_due_ms = clk_mono_ms() + w->config->drain_timeout_ms;
	watcher_wake(w);
}

/* The tags of before hold where it is not valid. */
static void
take_token(struct watcher *w, const struct wire_msg *msg)
{
	free(w->token_error);
	w->token_error = msg->code == 0 ? NULL : xstrdup(msg->text);
	if (msg->code != 0) {
		log_warnx("token: %s (the tags stay as they were)", msg->text);
		return;
	}
	free(w->token_tags);
	w->token_tags = xstrdup(msg->text);
	if (*msg->text == '\0')
		return;
	log_info("token: valid");
	tags_set_ids(&w->config->tags, w->token_tags);
	evlog_configure(w->log, w->config);
}

/*
 * Both began with the configuration that was accepted last.  An order names a handler
 * by its number, so with another one the wrong command would be run.
 */
static void
greet(struct watcher *w, const char *digest)
{
	if (strcmp(digest, w->config->digest) != 0) {
		log_errorx("runner: has another configuration (stopping at once)");
		w->exit_code = CHILD_EXIT_FATAL;
		life_end(w);
		return;
	}
	w->runner_ready = true;
	followers_greet(w);
}

void
life_message(void *ctx, const struct wire_msg *msg)
{
	struct watcher *w = ctx;

	switch (msg->type) {
	case WIRE_READY:
		greet(w, msg->text);
		break;
	case WIRE_STARTED:
	case WIRE_ENDED:
		if (!keep_message(w->keep, msg))
			dispatch_message(w, msg);
		break;
	case WIRE_LIMITS:
		strlcpy(w->limits, msg->text, sizeof(w->limits));
		break;
	case WIRE_TOKEN:
		take_token(w, msg);
		break;
	case WIRE_SINK:
		followers_message(w, msg);
		break;
	case WIRE_CONTENT:
		ask_answer(w, msg);
		break;
	case WIRE_RELOADED:
		reload_answer(w, msg);
		break;
	case WIRE_STOPPED:
		life_end(w);
		break;
	default:
		log_warnx(
		    "runner: message %d makes no sense here (left out)", (int)msg->type);
	}
}

void
life_runner_gone(void *ctx, const char *why)
{
	struct watcher *w = ctx;

	if (!w->stop_sent) {
		log_errorx("runner: gone: %s", why);
		w->exit_code = CHILD_EXIT_FATAL;
	}
	life_end(w);
}

/* Where one cannot look, it is as it was: st_ino is 0. */
static bool
has_state_dir(const struct watcher *w, struct stat *st)
{
	if (lstat(w->config->state_dir, st) == 0)
		return st->st_dev == w->state_dev && st->st_ino == w->state_ino;
	st->st_ino = 0;
	return errno != ENOENT && errno != ENOTDIR;
}

/*
 * No name in a directory comes or goes but its time of change shows it, at the latest
 * when the clock that stamps files goes on; so mostly there is nothing to look at.
 */
static bool
has_other_names(struct watcher *w, const struct stat *st)
{
	int64_t changed = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;

	if (st->st_ino == 0 || changed == w->state_changed_ns)
		return false;
	/* Else once more: what comes within this tick has the same time.  And what
	   goes before it is ready is left for then. */
	w->state_changed_ns = changed < clk_stamp_ns() && w->ready ? changed : 0;
	return true;
}

/* A watcher that dies before it was ready may be taken for one that cannot work, and one
   that stops closes it soon. */
static void
look_at_state(struct watcher *w)
{
	if (!w->ready || w->stopping || state_in_place(w->state))
		return;
	log_errorx("state: state.db, or its WAL, was removed or replaced (it is put back "
		   "as it was, and the tree compared)");
	w->exit_code = CHILD_EXIT_FATAL;
	life_end(w);
}

/*
 * Without its directory nobody can reach this daemon, another one may be started
 * in a new one, and what is recorded goes nowhere.  The same goes for state.db, of
 * which this process has all the same what is in it.
 */
void
life_look(struct watcher *w)
{
	struct stat st;

	if (w->config->state_dir == NULL || w->exit_code != 0)
		return;
	if (!has_state_dir(w, &st)) {
		log_errorx("%s: was removed or replaced (stopping at once)",
		    w->config->state_dir);
		w->exit_code = CHILD_EXIT_STATE_GONE;
		life_end(w);
	} else if (has_other_names(w, &st)) {
		control_look(w->control);
		look_at_state(w);
	}
}

/* Never in a directory that another daemon may have: what is there is its own. */
void
life_close(struct watcher *w)
{
	struct stat st;

	if (w->state != NULL && has_state_dir(w, &st) && !state_in_place(w->state) &&
	    state_restore(w->state) == 0)
		log_info("state: state.db was put back");
	state_close(w->state);
}

static void
note_state_dir(struct watcher *w)
{
	struct stat st;

	if (w->config->state_dir == NULL || lstat(w->config->state_dir, &st) == -1)
		return;
	w->state_dev = st.st_dev;
	w->state_ino = st.st_ino;
}

static void
on_life(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct watcher *w = io->data;

	(void)loop;
	(void)events;
	log_errorx("supervisor: gone (stopping at once)");
	w->exit_code = CHILD_EXIT_FATAL;
	life_end(w);
}

static void
on_stop_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct watcher *w = sig->data;

	(void)loop;
	(void)events;
	if (!w->stopping || w->renewing) {
		watcher_stop(w, sig->signum == SIGINT ? "SIGINT" : "SIGTERM");
		return;
	}
	w->cut = w->n_jobs > 0;
	life_end(w);
}

static void
on_reload_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	(void)loop;
	(void)events;
	reload_begin(sig->data, NULL, NULL);
}

/* Whoever did not find the control socket asks so. */
static void
on_look_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct watcher *w = sig->data;

	(void)loop;
	(void)events;
	control_look(w->control);
}

static void
reopen_trace(const char *path)
{
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		log_warn("trace log %s: reopen (going on with the old one)", path);
	fd_close(&fd);
}

static void
on_reopen_signal(struct ev_loop *loop, struct ev_signal *sig, int events)
{
	struct watcher *w = sig->data;
	const struct wire_msg msg = { .type = WIRE_REOPEN };

	(void)loop;
	(void)events;
	reopen_trace(w->setup.trace_log);
	evlog_rotate(w->log);
	if (w->wire != NULL)
		wire_send(w->wire, &msg);
}

static void
add_signal(struct watcher *w, struct ev_signal *sig,
    void (*fn)(struct ev_loop *, struct ev_signal *, int), int number)
{
	ev_signal_init(sig, fn, number);
	sig->data = w;
	ev_signal_start(w->loop, sig);
}

/* What came since the fork, which left them blocked. */
static void
take_requests(void)
{
	sigset_t requests;

	sigemptyset(&requests);
	sigaddset(&requests, SIGHUP);
	sigaddset(&requests, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &requests, NULL);
}

void
life_start(struct watcher *w)
{
	note_state_dir(w);
	add_signal(w, &w->sig_term, on_stop_signal, SIGTERM);
	add_signal(w, &w->sig_int, on_stop_signal, SIGINT);
	add_signal(w, &w->sig_hup, on_reload_signal, SIGHUP);
	add_signal(w, &w->sig_usr1, on_reopen_signal, SIGUSR1);
	add_signal(w, &w->sig_cont, on_look_signal, SIGCONT);
	take_requests();
	if (w->setup.life_fd == -1)
		return;
	ev_io_init(&w->life_io, on_life, w->setup.life_fd, EV_READ);
	w->life_io.data = w;
	ev_io_start(w->loop, &w->life_io);
}
