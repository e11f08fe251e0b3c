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

/* A name that came or went in the directory may be that of the control socket. */
static void
look_at_socket(struct watcher *w, const struct stat *dir)
{
	const struct timespec *now = &dir->st_mtim, *then = &w->state_mtime;

	if (now->tv_sec == then->tv_sec && now->tv_nsec == then->tv_nsec)
		return;
	w->state_mtime = *now;
	control_look(w->control);
}

/*
 * Without its directory nobody can reach this daemon, another one may be started
 * in a new one, and what is recorded goes nowhere.
 */
void
life_look(struct watcher *w)
{
	const char *dir = w->config->state_dir;
	struct stat st;

	if (dir == NULL || w->exit_code != 0)
		return;
	if (lstat(dir, &st) == -1) {
		if (errno != ENOENT && errno != ENOTDIR)
			return;
	} else if (st.st_dev == w->state_dev && st.st_ino == w->state_ino) {
		look_at_socket(w, &st);
		return;
	}
	log_errorx("%s: was removed or replaced (stopping at once)", dir);
	w->exit_code = CHILD_EXIT_STATE_GONE;
	life_end(w);
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

void
life_start(struct watcher *w)
{
	note_state_dir(w);
	add_signal(w, &w->sig_term, on_stop_signal, SIGTERM);
	add_signal(w, &w->sig_int, on_stop_signal, SIGINT);
	add_signal(w, &w->sig_hup, on_reload_signal, SIGHUP);
	add_signal(w, &w->sig_usr1, on_reopen_signal, SIGUSR1);
	add_signal(w, &w->sig_cont, on_look_signal, SIGCONT);
	if (w->setup.life_fd == -1)
		return;
	ev_io_init(&w->life_io, on_life, w->setup.life_fd, EV_READ);
	w->life_io.data = w;
	ev_io_start(w->loop, &w->life_io);
}
