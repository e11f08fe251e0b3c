/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1

/*
 * Exercises the control socket: the input goes to it as a client's bytes, for a
 * watcher with a handler and a few rows.  Every line of the answer must be a
 * JSON-RPC object.  It is "stopping", so that stop and reload change nothing.
 */

#include <assert.h>
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "state/delivery.h"
#include "watcher/control.h"
#include "watcher/intake.h"
#include "watcher/stream.h"
#include "watcher/waiters.h"
#include "watcher/watcher_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct watcher w;
static char dir[] = "/tmp/filemon-fuzz.XXXXXX";

static void
leave(void)
{
	static const char *const names[] = { ".filemon/filemon.conf",
		".filemon/control.sock", ".filemon", "" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

static void
plant(void)
{
	static const char *const names[] = { "a", "d", "\xff\xfe" };
	struct delivery d = { .handler = w.handlers[0].id, .pending = true };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct node node = { .parent = w.roots[0].node,
			.sig = { .type = SIG_FILE, .ino = i + 1 } };

		node_insert(w.state, &node, names[i], strlen(names[i]));
		d.node = node.id;
		d.dead = i == 2;
		d.pending = i != 2;
		delivery_put(w.state, &d);
	}
	state_commit(w.state);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

static void
begin(void)
{
	static const char conf[] =
	    "handler h { load = { \"true\" } remove-file = { \"true\" } }\n";
	const struct config_source source = { .project = dir };
	struct config_error error;
	char path[256];
	int fd;

	assert(mkdtemp(dir));
	atexit(leave);
	snprintf(path, sizeof(path), "%s/.filemon", dir);
	assert(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/.filemon/filemon.conf", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert(write(fd, conf, strlen(conf)) == (ssize_t)strlen(conf));
	close(fd);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	w.config = config_load(&source, &error);
	assert(w.config);
	w.loop = ev_default_loop(0);
	w.state = state_open(NULL, 256);
	w.log = evlog_open(&(struct evlog_options){
	    .stdout_fd = -1, .format = FORMAT_JSON, .config = w.config });
	w.roots = calloc(1, sizeof(*w.roots));
	w.n_roots = 1;
	w.roots[0].watcher = &w;
	w.roots[0].path = w.config->roots.v[0];
	w.roots[0].filter = filter_new(w.config, w.roots[0].path);
	w.roots[0].node = node_root(w.state, w.roots[0].path);
	assert(intake_open(&w, &w.roots[0], NULL) == 0);
	w.stream = stream_new(&w);
	handlers_build(&w);
	w.waiters = waiters_new(&w);
	w.control = control_open(&w);
	assert(w.control);
	ev_timer_init(&w.timer, on_timer, 0., 0.);
	w.ready = w.stopping = true;
	plant();
}

static int
dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/.filemon/control.sock", dir);
	assert(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void
check(char *text)
{
	char *save = NULL;

	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		cJSON *answer = cJSON_Parse(p);

		assert(cJSON_GetObjectItem(answer, "jsonrpc"));
		assert(!cJSON_GetObjectItem(answer, "result") !=
		    !cJSON_GetObjectItem(answer, "error"));
		cJSON_Delete(answer);
	}
}

/* What a peer that reads does not get within some turns never comes. */
static void
turn(int fd)
{
	static char answer[1 << 20];
	size_t len = 0;

	for (int i = 0; i < 8; i++) {
		ssize_t n;

		ev_run(w.loop, EVRUN_NOWAIT);
		waiters_turn(w.waiters, 0);
		state_commit(w.state);
		n = read(fd, answer + len, sizeof(answer) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	char *last = strrchr(answer, '\n');
	if (last)
		last[1] = '\0';
	else
		answer[0] = '\0';
	check(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (!w.loop)
		begin();
	fd = dial();
	if (size > 0)
		(void)!send(fd, data, size, MSG_NOSIGNAL);
	(void)!send(fd, "\n", 1, MSG_NOSIGNAL);
	turn(fd);
	close(fd);
	ev_run(w.loop, EVRUN_NOWAIT);
	return 0;
}
